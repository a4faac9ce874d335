"""`aisle up`: starts everything, says when it can work, and ends it all on Ctrl-C."""

import asyncio
import json
import os
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from services.cli import output
from services.cli.run import follow_parent
from services.cli.settings import Config


def command(
    quiet: Annotated[bool, typer.Option(help="Keep the processes' lines in their log files alone.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on stdout once all can work.")
    ] = False,
) -> None:
    """Start NATS, Triton and all services, and keep them running."""
    from services.cli import health
    from services.cli.fleet import Fleet

    follow_parent()
    config = Config()
    where = health.addresses(config)
    taken = [part for part, answer in asyncio.run(health.ask_all(where)).items() if answer == health.OK]
    if taken:
        output.fail(f"{', '.join(taken)} answer already: is another `aisle up` running?")
        raise typer.Exit(1)
    folder = config.home / "run"

    def started() -> None:
        answers = asyncio.run(health.wait(where, config.start_seconds))
        report = _report(where, answers)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "up.json").write_text(json.dumps({"pid": os.getpid(), **report}))
        output.show(report, lambda: [_table(report, str(folder))], as_json=as_json)

    raise typer.Exit(Fleet(folder, shown=not quiet, started=started).run())


def _report(where: Mapping[str, str], answers: Mapping[str, str]) -> dict[str, Any]:
    parts = [{"part": part, "address": where[part], "health": answer} for part, answer in answers.items()]
    return {"healthy": all(part["health"] == "ok" for part in parts), "parts": parts}


def _table(report: dict[str, Any], folder: str) -> Any:
    title = "Everything is up" if report["healthy"] else "Not everything can work: see `aisle doctor`"
    rows = [(p["part"], p["address"], p["health"], f"{folder}/{p['part']}.log") for p in report["parts"]]
    return output.table(f"{title} (Ctrl-C ends it)", ("part", "address", "health", "log"), rows)
