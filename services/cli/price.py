"""`aisle price verify`: whether the ledger of prices is as it was written."""

from typing import Annotated

import typer

from services.cli import output

app = typer.Typer(help="Look after prices.", no_args_is_help=True, add_completion=False)


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
