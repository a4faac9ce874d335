"""`aisle price what-if`: what other prices would have brought in the last weeks."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import output, price_pictures
from services.cli.pricing_calls import TARGET, Json, Market, Target, call

SECONDS = 300.0


def what_if(
    file: Annotated[
        Path | None,
        typer.Argument(help="A TOML file of changes and policies, as docs/demand.md says.", exists=True),
    ] = None,
    change: Annotated[float | None, typer.Option(help="A change of prices: -0.1 for a tenth less.")] = None,
    product: Annotated[str, typer.Option(help="Change only this product.")] = "",
    category: Annotated[str, typer.Option(help="Change only this category path and what is below it.")] = "",
    weeks: Annotated[
        int | None, typer.Option(min=1, help="How many of the last weeks; 8 unless the file tells.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Also write a page: revenue week by week, and by category.")
    ] = None,
    market: Market = "default",
    pricing: Target = TARGET,
    as_json: Json = False,
) -> None:
    """Tell what other prices would have brought; nothing is changed."""
    from aisle.pricing.v1 import pricing_pb2 as pb
    from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

    request = pb.SimulatePolicyRequest(market=market)
    try:
        if file:
            ParseDict(tomllib.loads(file.read_text("utf-8")), request)
    except (OSError, ValueError, ParseError) as error:
        output.fail(f"{file}: {error}")
        raise typer.Exit(1) from None
    if change is not None:
        scope = {"product_id": product} if product else {"category": category} if category else {}
        request.changes.add(share=change, **scope)
    request.week_count = weeks or request.week_count
    answer = call(pricing, "SimulatePolicy", request, SECONDS)
    told = MessageToDict(answer, preserving_proto_field_name=True)
    output.show(told, lambda: _tables(answer), as_json=as_json)
    if report:
        price_pictures.tried(report, answer)


def _tables(answer: Any) -> list[Any]:
    rows = [_row(one) for one in (*answer.categories, answer.total)]
    columns = ("category", "changed", "units", "", "revenue", "", "margin", "")
    title = (
        f"{answer.week_count} weeks, {answer.currency_code}: what was, what would have been (90% interval)"
    )
    told: list[Any] = [output.table(title, columns, rows, right=columns[1:])]
    if answer.total.uncosted_count:
        told.append(f"{answer.total.uncosted_count} products without a cost are not in the margin.")
    return [*told, f"Model {answer.model_version}"]


def _row(one: Any) -> tuple[str, ...]:
    margin = _figure(one.margin) if one.HasField("margin") else ("", "")
    changed = f"{one.changed_count} of {one.product_count}"
    return (one.category or "all", changed, *_figure(one.units), *_figure(one.revenue), *margin)


def _figure(one: Any) -> tuple[str, str]:
    return f"{one.actual:,.0f}", f"{one.simulated:,.0f} ({one.low:,.0f} to {one.high:,.0f})"
