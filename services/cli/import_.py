"""`aisle import products|events FILE...`: rows into the gateway, resumed where an earlier run ended."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress

from services.cli import output
from services.cli.settings import Config

if TYPE_CHECKING:
    from services.cli.checkpoint import Checkpoint

KINDS = ("products", "events")
SOME_REJECTED = 2


def command(
    kind: Annotated[str, typer.Argument(help="products or events")],
    files: Annotated[
        list[Path], typer.Argument(help="JSON Lines, CSV (both also .gz) or Parquet", exists=True)
    ],
    gateway: Annotated[str, typer.Option(help="host:port; AISLE_GATEWAY when not given")] = "",
    restart: Annotated[
        bool, typer.Option(help="Begin at the first row, whatever an earlier run did.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Import a catalogue or shoppers' events. Ends with 2 when rows were rejected."""
    if kind not in KINDS:
        raise typer.BadParameter(f"{kind!r} is neither products nor events", param_hint="KIND")
    config = Config()
    config = config.model_copy(update={"gateway": gateway or config.gateway})
    reports = [_import_shown(path, kind, config, restart=restart) for path in files]
    output.show({"files": reports}, lambda: [_table(kind, reports), *_reasons(reports)], as_json=as_json)
    if any("stopped" in report for report in reports):
        raise typer.Exit(1)
    if any(report["rejected"] for report in reports):
        raise typer.Exit(SOME_REJECTED)


def _import_shown(path: Path, kind: str, config: Config, *, restart: bool) -> dict[str, Any]:
    from services.cli.checkpoint import Checkpoint
    from services.cli.importing import ImportStoppedError

    checkpoint = Checkpoint.load(config.home / "run", path, kind, config.gateway)
    if restart:
        checkpoint.restart()
    report: dict[str, Any] = {"file": str(path), "resumed_after_line": checkpoint.line}
    try:
        with output.bar() as bar:
            asyncio.run(import_file(path, kind, config, checkpoint, bar))
    except (ImportStoppedError, ValueError, OSError) as error:
        output.fail(f"{path}: {error}")
        report["stopped"] = str(error)
    except KeyboardInterrupt:
        output.fail(f"{path}: interrupted after line {checkpoint.line}; run the same command to continue")
        report["stopped"] = "interrupted"
    return {
        **report,
        "written": checkpoint.written,
        "duplicates": checkpoint.duplicates,
        "rejected": checkpoint.rejected,
        "reasons": dict(checkpoint.reasons),
        "rejects_file": f"{path}.rejects.jsonl" if checkpoint.rejected else "",
    }


async def import_file(path: Path, kind: str, config: Config, checkpoint: "Checkpoint", bar: Progress) -> None:
    """Imports one file, drawing its progress. Raises ImportStoppedError, ValueError, OSError."""
    from services.cli import formats, importing
    from services.kit.channels import connect

    task = bar.add_task(f"Importing {path.name}", total=formats.size_of(path), note="")
    async with connect(config.gateway) as channel:
        target = importing.Products(channel) if kind == "products" else importing.Events(channel)
        await importing.run(
            path,
            kind,
            target,
            checkpoint,
            in_flight=config.import_in_flight,
            retry_seconds=config.retry_seconds,
            report=lambda done: bar.update(task, completed=done, note=f"{checkpoint.written:,} written"),
            waiting=lambda why: bar.update(task, note=why),
        )
        bar.update(task, note=f"{checkpoint.written:,} written")


def _table(kind: str, reports: list[dict[str, Any]]) -> Any:
    columns = ("file", "written", "known already", "rejected", "rejects file")
    rows = [
        (r["file"], f"{r['written']:,}", f"{r['duplicates']:,}", f"{r['rejected']:,}", r["rejects_file"])
        for r in reports
    ]
    return output.table(f"Imported {kind}", columns, rows, right=columns[1:4])


def _reasons(reports: list[dict[str, Any]]) -> list[Any]:
    rows = [(r["file"], reason, f"{count:,}") for r in reports for reason, count in r["reasons"].items()]
    return (
        [output.table("Why rows were rejected", ("file", "reason", "rows"), rows, right=("rows",))]
        if rows
        else []
    )
