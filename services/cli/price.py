"""`aisle price`: how a price came to be, whether the ledger is as it was written, and the desk."""

from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import (
    output,
    price_competitors,
    price_desk,
    price_experiment,
    price_learn,
    price_optimise,
    price_pictures,
    price_plans,
    price_policy,
    price_what_if,
)
from services.cli.pricing_calls import TARGET, Json, Market, Target, amount, call

app = typer.Typer(help="Look after prices.", no_args_is_help=True, add_completion=False)

for command in (
    price_desk.proposals,
    price_desk.approve,
    price_desk.reject,
    price_desk.stop,
    price_desk.resume,
    price_competitors.import_competitors,
    price_optimise.optimise,
    price_plans.markdown,
    price_plans.promotions,
    price_policy.set_policy,
    price_what_if.what_if,
    price_learn.learn,
):
    app.command()(command)
app.add_typer(price_experiment.app, name="experiment")


@app.command()
def explain(
    product: Annotated[str, typer.Argument(help="The product's id.")],
    report: Annotated[
        Path | None,
        typer.Option(help="Also write a page: the demand curve, bounds, and the price over time."),
    ] = None,
    market: Market = "default",
    pricing: Target = TARGET,
    as_json: Json = False,
) -> None:
    """Tell how a price came to be: what it starts from, and what each rule made of it."""
    from aisle.pricing.v1 import pricing_pb2 as pb
    from google.protobuf.json_format import MessageToDict

    answer = call(pricing, "ExplainPrice", pb.ExplainPriceRequest(product_id=product, market=market))
    told = MessageToDict(answer, preserving_proto_field_name=True)
    output.show(told, lambda: _story(answer), as_json=as_json)
    if report:
        price_pictures.explained(report, pricing, market, answer)


def _story(answer: Any) -> list[Any]:
    quote = answer.quote
    title = f"{quote.product_id} costs {amount(quote.price)} {quote.price.currency_code}: {quote.reason}"
    rows = [
        (_rule(step), amount(step.before), amount(step.after), "moved it" if moved else "", step.text)
        for step in answer.steps
        for moved in [step.before != step.after]
    ]
    columns = ("rule", "before", "after", "", "why")
    lines: list[Any] = [output.table(title, columns, rows, right=("before", "after"))]
    if quote.discount_percent:
        lowest = amount(quote.lowest_price_30_days)
        lines.append(
            f"{quote.discount_percent}% under {lowest}, the lowest of the 30 days before the reduction"
        )
    return lines + (_demand(answer.demand) if answer.HasField("demand") else [])


def _demand(known: Any) -> list[Any]:
    """What the demand model knows, in sentences."""
    price, low = (
        amount(known.usual_price),
        " (its category's: the price never moved)" if known.prior_only else "",
    )
    lines = [
        f"{known.model_version} expects {known.weekly_units:.1f} a week at {price}; a per cent dearer: "
        f"{known.elasticity:+.2f}% (standard error {known.elasticity_error:.2f}){low}"
    ]
    if known.cross_elasticity:
        nearest = ", ".join(f"{one.product_id} {one.elasticity:+.2f}%" for one in known.substitutes)
        lines.append(
            f"its category's others a per cent dearer: {known.cross_elasticity:+.2f}% "
            f"(standard error {known.cross_elasticity_error:.2f}); most by {nearest}"
        )
    if known.outlook:
        told = ", ".join(
            f"{amount(one.price)} ({amount(one.low)} to {amount(one.high)})" for one in known.outlook
        )
        lines.append(f"likely prices of the weeks after the model's: {told}")
    return lines


def _rule(step: Any) -> str:
    from aisle.pricing.v1 import pricing_pb2 as pb

    return pb.PriceRule.Name(step.rule).removeprefix("PRICE_RULE_").replace("_", " ").lower()


@app.command()
def verify(
    head: Annotated[str, typer.Option(help="A hash that an earlier run told: it must still be there.")] = "",
    as_json: Json = False,
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
