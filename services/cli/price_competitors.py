"""`aisle price import-competitors FILE`: what other shops ask, from a file a watcher wrote."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import output
from services.cli.pricing_calls import TARGET, Json, Market, Target, call

BATCH = 500
SOME_REJECTED = 2


def import_competitors(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV, JSON Lines (both also .gz) or Parquet, with product_id, competitor, price, currency "
            "and observe_time.",
            exists=True,
        ),
    ],
    by: Annotated[str, typer.Option("--by", help="Who brings them; stands in the record of acts.")],
    market: Market = "default",
    pricing: Target = TARGET,
    as_json: Json = False,
) -> None:
    """Bring in competitors' prices; again changes nothing. Ends with 2 when some were refused."""
    from aisle.pricing.v1 import competitor_pb2 as pb

    told: dict[str, Any] = {"imported": 0, "known": 0, "refused": []}
    try:
        prices_of_file = _prices(file, told["refused"])
        while lines := list(islice(prices_of_file, BATCH)):
            prices = [price for _, price in lines]
            request = pb.ImportCompetitorPricesRequest(market=market, prices=prices, actor=by)
            answer = call(pricing, "ImportCompetitorPrices", request)
            told["imported"] += answer.imported_count
            told["known"] += answer.known_count
            told["refused"] += [(lines[one.index][0], one.message) for one in answer.refused]
    except (ValueError, OSError) as error:
        output.fail(f"{file}: {error}")
        raise typer.Exit(1) from None
    output.show(told, lambda: _tables(told), as_json=as_json)
    if told["refused"]:
        raise typer.Exit(SOME_REJECTED)


def _prices(file: Path, refused: list[tuple[int, str]]) -> Iterator[tuple[int, Any]]:
    """Each row's line and message; rows that are none go to `refused`."""
    from services.cli import formats, messages

    for row in formats.rows(file):
        try:
            if row.error:
                raise row.error
            yield row.line, messages.competitor_price(row.values or {})
        except formats.BadRowError as error:
            refused.append((row.line, f"{error.field}: {error}".removeprefix(": ")))


def _tables(told: dict[str, Any]) -> list[Any]:
    counts = [(told["imported"], told["known"], len(told["refused"]))]
    columns = ("newer than known", "known already", "refused")
    tables = [output.table("Competitors' prices", columns, counts, right=columns)]
    if told["refused"]:
        tables.append(output.table("Refused", ("line", "why"), told["refused"], right=("line",)))
    return tables
