"""`aisle price optimise`: better prices within the policies, told or proposed."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from services.cli import output
from services.cli.pricing_calls import TARGET, Json, Market, Target, amount, call

SECONDS = 300.0
SHOWN = 40


class Objective(StrEnum):
    """What prices are to bring; `policy` for what the policies say."""

    POLICY = "policy"
    MARGIN = "margin"
    REVENUE = "revenue"
    UNITS = "units"


def optimise(
    product: Annotated[list[str] | None, typer.Option(help="Only this product; may be repeated.")] = None,
    category: Annotated[str, typer.Option(help="Only this category path and what is below it.")] = "",
    objective: Annotated[Objective, typer.Option(help="What prices are to bring.")] = Objective.POLICY,
    propose: Annotated[bool, typer.Option(help="Propose the prices; without it they are only told.")] = False,
    by: Annotated[str, typer.Option("--by", help="Who proposes; needed with --propose.")] = "",
    request_id: Annotated[str, typer.Option(help="A repeated one proposes nothing twice.")] = "",
    market: Market = "default",
    pricing: Target = TARGET,
    as_json: Json = False,
) -> None:
    """Find the prices that bring most, from the demand that was learnt."""
    from aisle.pricing.v1 import optimization_pb2 as pb
    from google.protobuf.json_format import MessageToDict

    wanted = "UNSPECIFIED" if objective is Objective.POLICY else objective.name
    request = pb.OptimizePricesRequest(
        market=market,
        product_ids=product or (),
        category=category,
        objective=pb.PricingObjective.Value(f"PRICING_OBJECTIVE_{wanted}"),
        propose=propose,
        proposer=by,
        request_id=request_id,
    )
    answer = call(pricing, "OptimizePrices", request, SECONDS)
    told = MessageToDict(answer, preserving_proto_field_name=True)
    output.show(told, lambda: _tables(answer), as_json=as_json)


def _tables(answer: Any) -> list[Any]:
    rows = [
        (
            price.product_id,
            amount(price.old_price),
            amount(price.new_price),
            f"{price.elasticity:.2f} ± {price.elasticity_error:.2f}",
            change(price.units),
            change(price.revenue),
            change(price.margin) if price.HasField("margin") else "",
            "\n".join(price.constraints),
            price.proposal_id,
        )
        for price in answer.prices[:SHOWN]
    ]
    columns = (
        "product",
        "old",
        "new",
        "elasticity",
        "units",
        "revenue",
        "margin",
        "why not further",
        "proposal",
    )
    lines: list[Any] = [output.table("Better prices, a week", columns, rows, right=columns[1:7])]
    if len(answer.prices) > SHOWN:
        lines.append(f"and {len(answer.prices) - SHOWN} more: see --json")
    lines.append(
        f"{len(answer.prices)} of {answer.considered_count} prices change. In all a week: "
        f"units {change(answer.units)}, revenue {change(answer.revenue)}, margin {change(answer.margin)} "
        f"(90% intervals of the doubt about elasticities). "
        f"Model {answer.model_version}; within {answer.gap:.2%} of the best choice."
    )
    return [*lines, *skipped(answer.kept, "Stay as they are"), *skipped(answer.skipped)]


def change(told: Any, sign: str = "+") -> str:
    """An expected change and its interval."""
    return " ".join((f"{told.value:{sign},.2f}", f"({told.low:{sign},.2f} to {told.high:{sign},.2f})"))


def skipped(products: Any, title: str = "Left out") -> list[Any]:
    """Why products were left out, and how many for each reason."""
    reasons: dict[str, int] = {}
    for one in products:
        reasons[one.reason] = reasons.get(one.reason, 0) + 1
    rows = [(reason, count) for reason, count in sorted(reasons.items(), key=lambda pair: -pair[1])]
    return [output.table(title, ("why", "products"), rows, right=("products",))] if rows else []
