"""`aisle price learn FILE`: the next prices to learn from, by the orders so far; run it once a batch."""

import asyncio
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import output
from services.cli.pricing_calls import TARGET, Json, Market, Target, amount, call

PAGE = 1_000
MICROS = 1_000_000


def learn(
    file: Annotated[Path, typer.Argument(help="A TOML file, as docs/demand.md says.", exists=True)],
    by: Annotated[str, typer.Option("--by", help="Who proposes.")],
    request_id: Annotated[str, typer.Option(help="Of this batch; a repeated one proposes nothing twice.")],
    market: Market = "default",
    pricing: Target = TARGET,
    as_json: Json = False,
) -> None:
    """Choose the next prices of products that learn, and propose them with their propensities."""
    from aisle.pricing.v1 import learning_pb2 as pb
    from google.protobuf.json_format import MessageToDict

    from services.pricing.config import Config
    from services.pricing.learn import count

    try:
        told = tomllib.loads(file.read_text("utf-8"))
        products = [_product(one) for one in told["products"]]
        request = pb.LearnPricesRequest(market=market, proposer=by, request_id=request_id)
        request.exploration = float(told.get("exploration", 0.0))
        request.stop.CopyFrom(pb.LearningStop(**told.get("stop", {})))
    except KeyError as error:
        output.fail(f"{file}: {error.args[0]!r} is missing")
        raise typer.Exit(1) from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        output.fail(f"{file}: {error}")
        raise typer.Exit(1) from None
    watched = {one["product_id"]: _watched(pricing, market, one) for one in products}
    with output.steps() as progress:
        counts = asyncio.run(count(Config(), watched, progress=progress))
    for one in products:
        _add(request, one, counts[one["product_id"]])
    answer = call(pricing, "LearnPrices", request)
    output.show(
        MessageToDict(answer, preserving_proto_field_name=True), lambda: _tables(answer), as_json=as_json
    )


def _product(told: Mapping[str, Any]) -> dict[str, Any]:
    prices = [round(float(price) * MICROS) for price in told["prices"]]
    return {
        "product_id": str(told["product_id"]),
        "currency": str(told["currency"]),
        "prices": prices,
        "since": _micros(told["since"]),
        "until": _micros(told["until"]) if "until" in told else None,
        "stock": int(told["stock"]) if "stock" in told else None,
        "salvage": round(float(told.get("salvage", 0)) * MICROS),
    }


def _micros(told: Any) -> int:
    """A day or a time of TOML in microseconds; UTC where it tells no zone."""
    if isinstance(told, date) and not isinstance(told, datetime):
        told = datetime(told.year, told.month, told.day)
    time: datetime = told if told.tzinfo else told.replace(tzinfo=UTC)
    return round(time.timestamp() * MICROS)


def _watched(pricing: str, market: str, one: Mapping[str, Any]) -> Any:
    """The prices in force since learning began."""
    from aisle.pricing.v1 import pricing_pb2 as pb

    from services.pricing.learn import Watched

    request = pb.ListPriceHistoryRequest(product_id=one["product_id"], market=market, page_size=PAGE)
    prices: list[tuple[int, int]] = []
    while True:
        page = call(pricing, "ListPriceHistory", request)
        prices += [
            (entry.effective_time.ToMicroseconds(), entry.price.amount_micros)
            for entry in page.entries
            if entry.price.currency_code == one["currency"]
        ]
        if not page.next_page_token or (prices and prices[-1][0] <= one["since"]):
            return Watched(one["since"], prices[::-1])
        request.page_token = page.next_page_token


def _add(request: Any, one: Mapping[str, Any], counts: Mapping[int, Any]) -> None:
    product = request.products.add(product_id=one["product_id"])
    for price in one["prices"]:
        offered, sold = counts.get(price, (0, 0))
        made = product.prices.add(offered_count=offered, sold_count=sold)
        made.price.currency_code, made.price.amount_micros = one["currency"], price
    if one["until"] is not None:
        _add_stock(product, one, sum(offered for offered, _ in counts.values()))


def _add_stock(product: Any, one: Mapping[str, Any], seen: int) -> None:
    """As many shoppers a day are taken to come until the day as came since learning began."""
    now = datetime.now(UTC).timestamp() * MICROS
    days = max(now - one["since"], 1.0) / max(one["until"] - now, 1.0)
    product.stock.shopper_count = max(1, round(seen / days))
    if one["stock"] is not None:
        product.stock.pieces = one["stock"]
    if one["salvage"]:
        product.stock.salvage.currency_code = one["currency"]
        product.stock.salvage.amount_micros = one["salvage"]


def _tables(answer: Any) -> list[Any]:
    rows = [
        (
            one.product_id,
            amount(one.price) if one.HasField("price") else "",
            f"{one.propensity:.2f}",
            "stopped" if one.stopped else "learning",
            f"{one.expected_loss:.1%}",
            one.proposal_id or ("kept, on record" if one.kept else one.reason),
        )
        for one in answer.products
    ]
    columns = ("product", "next price", "propensity", "", "loss of stopping", "proposal")
    return [output.table("Next prices", columns, rows, right=columns[1:3])]
