"""`aisle price explain|verify`: how a price came to be, and whether the ledger is as it was written."""

import asyncio
from typing import Annotated, Any

import typer

from services.cli import output

SECONDS = 10.0

app = typer.Typer(help="Look after prices.", no_args_is_help=True, add_completion=False)


@app.command()
def explain(
    product: Annotated[str, typer.Argument(help="The product's id.")],
    market: Annotated[str, typer.Option(help="The market.")] = "default",
    pricing: Annotated[
        str, typer.Option(help="Where pricing is, host:port.", envvar="AISLE_GATEWAY_PRICING_TARGET")
    ] = "127.0.0.1:50054",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Tell how a price came to be: what it starts from, and what each rule made of it."""
    import grpc
    from google.protobuf.json_format import MessageToDict

    from services.kit.errors import reason_of

    try:
        answer = asyncio.run(_ask(pricing, product, market))
    except grpc.RpcError as error:
        output.fail(f"no explanation: {reason_of(error) or error.code().name} {error.details()}")
        raise typer.Exit(1) from None
    told = MessageToDict(answer, preserving_proto_field_name=True)
    output.show(told, lambda: _story(answer), as_json=as_json)


async def _ask(target: str, product_id: str, market: str) -> Any:
    from aisle.pricing.v1 import pricing_pb2 as pb
    from aisle.pricing.v1.pricing_pb2_grpc import PricingServiceStub

    from services.kit.channels import connect

    request = pb.ExplainPriceRequest(product_id=product_id, market=market)
    async with connect(target) as channel:
        return await PricingServiceStub(channel).ExplainPrice(request, timeout=SECONDS)


def _story(answer: Any) -> list[Any]:
    quote = answer.quote
    title = f"{quote.product_id} costs {_amount(quote.price)} {quote.price.currency_code}: {quote.reason}"
    rows = [
        (_rule(step), _amount(step.before), _amount(step.after), "moved it" if moved else "", step.text)
        for step in answer.steps
        for moved in [step.before != step.after]
    ]
    columns = ("rule", "before", "after", "", "why")
    lines: list[Any] = [output.table(title, columns, rows, right=("before", "after"))]
    if quote.discount_percent:
        lowest = _amount(quote.lowest_price_30_days)
        lines.append(
            f"{quote.discount_percent}% under {lowest}, the lowest of the 30 days before the reduction"
        )
    return lines


def _rule(step: Any) -> str:
    from aisle.pricing.v1 import pricing_pb2 as pb

    return pb.PriceRule.Name(step.rule).removeprefix("PRICE_RULE_").replace("_", " ").lower()


def _amount(money: Any) -> str:
    from services.pricing.domain.words import amount

    return amount(money.amount_micros)


@app.command()
def verify(
    head: Annotated[str, typer.Option(help="A hash that an earlier run told: it must still be there.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Make every hash of the ledger anew, straight from its database. Ends with 1 when something is wrong."""
    from sqlalchemy.exc import SQLAlchemyError

    from services.pricing.adapters import ledger
    from services.pricing.config import Config
    from services.pricing.server import open_database

    database = open_database(Config())
    try:
        found = ledger.verify(database, head)
    except SQLAlchemyError as error:
        output.fail(
            f"no ledger to verify: {type(error).__name__}. Start the service once, or see the settings"
        )
        raise typer.Exit(1) from None
    finally:
        database.close()
    told = {
        "sound": found.sound,
        "entries": found.chain.head.sequence,
        "head": found.chain.head.hash,
        "problem": found.chain.problem,
        "acts": found.acts.head.sequence,
        "acts_problem": found.acts.problem,
        "head_found": found.chain.noted,
        "prices_astray": [f"{product_id} in {market}" for market, product_id in found.astray],
    }
    output.show(told, lambda: _verdict(told), as_json=as_json)
    if not found.sound:
        raise typer.Exit(1)


def _verdict(told: dict[str, object]) -> list[str]:
    lines = [f"{told['entries']:,} entries hold; the last hash is {told['head']}"]
    if told["problem"]:
        lines = [f"The ledger does not hold: {told['problem']}. {lines[0]}"]
    if not told["head_found"]:
        lines.append("The given head is in no entry: the ledger was cut short or made anew.")
    if told["acts_problem"]:
        lines.append(f"The record of acts does not hold: {told['acts_problem']}.")
    for price in told["prices_astray"]:  # type: ignore[attr-defined]
        lines.append(f"The price of {price} is not the ledger's last word.")
    return lines
