"""The `aisle` command; each verb is a module of services.cli."""

import typer

from services.cli import demo, doctor, evaluate, import_, page, price, run, search, simulate, train, up

app = typer.Typer(
    name="aisle",
    help="The AI tier of an online shop: recommendations, search, pictures and prices, composed into pages.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command("import")(import_.command)
_OPEN = {"allow_extra_args": True, "ignore_unknown_options": True}  # each service has options of its own
app.command("train", context_settings=_OPEN)(train.command)
app.command("evaluate", context_settings=_OPEN)(evaluate.command)
app.command("simulate")(simulate.command)
app.command("page")(page.command)
app.add_typer(price.app, name="price")
app.add_typer(search.app, name="search")
app.command("up")(up.command)
app.command("run")(run.command)
app.command("doctor")(doctor.command)
app.command("demo")(demo.command)


def main() -> None:
    """Entry point of the `aisle` script."""
    app()


if __name__ == "__main__":
    main()
