"""`aisle train SERVICE`: makes a service's model from the log's history; it serves once it is no worse."""

import asyncio
import importlib
from typing import Annotated, Any

import typer

from services.cli import output
from services.cli.evaluate import named, typed

TRAINED = ("recsys", "search", "vision", "pricing")


def command(
    context: typer.Context,
    service: Annotated[str, typer.Argument(help="recsys, search, vision or pricing")],
    force: Annotated[
        bool, typer.Option(help="Let the model serve though it is worse than the one that serves.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Train a service's model. Other options (--images FILE ...) go to it by name."""
    if service not in TRAINED:
        raise typer.BadParameter(f"{service!r} is none of {', '.join(TRAINED)}", param_hint="SERVICE")
    options = typed(importlib.import_module(f"services.{service}.train").train, named(context.args))
    try:
        with output.steps() as progress:
            report = train(service, progress, force=force, **options)
    except (OSError, ValueError) as error:
        output.refuse(service, error, as_json=as_json)
        raise typer.Exit(1) from None
    output.show(
        {"service": service, "trained": True, **report}, lambda: _tables(service, report), as_json=as_json
    )


def train(service: str, progress: Any, *, force: bool = False, **options: Any) -> dict[str, Any]:
    """Runs the service's own training in this process; returns its TrainReport."""
    module = importlib.import_module(f"services.{service}.train")
    config = importlib.import_module(f"services.{service}.config").Config()
    return dict(asyncio.run(module.train(config, force=force, progress=progress, **options)))


def _tables(service: str, report: dict[str, Any]) -> list[Any]:
    serves = (
        "serves now"
        if report["promoted"]
        else "kept aside: it is worse than the one that serves (see --force)"
    )
    span = ", ".join(f"{name} {value}" for name, value in report["span"].items())
    return [
        output.metrics_table(f"Model {report['version']} of {service}: {serves}", report["metrics"]),
        f"Made from: {span}",
    ]
