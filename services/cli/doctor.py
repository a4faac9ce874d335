"""`aisle doctor`: looks at each real part and says what to do; ends with 1 when something is broken."""

from typing import Annotated

import typer

from services.cli import output
from services.cli.settings import Config

_COLOURS = {"ok": "green", "warning": "yellow", "broken": "red"}


def command(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Check every part."""
    from services.cli import checks

    findings = checks.look(Config())
    report = checks.report(findings)
    rows = [(f.part, f"[{_COLOURS[f.state]}]{f.state}[/]", f.found, f.todo) for f in findings]
    title = "Nothing is broken" if report["healthy"] else "Something is broken"
    output.show(
        report, lambda: [output.table(title, ("part", "state", "found", "what to do"), rows)], as_json=as_json
    )
    if not report["healthy"]:
        raise typer.Exit(1)
