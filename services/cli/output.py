"""How verbs speak: tables to people, one JSON object to programs, progress and logs on stderr."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

WIDTH = 120  # of tables that go to a file or a pipe
OUT = Console(width=None if sys.stdout.isatty() else WIDTH)
ERR = Console(stderr=True)


def show(report: Mapping[str, Any], tables: Callable[[], Iterable[RenderableType]], *, as_json: bool) -> None:
    """The report as one JSON object on stdout, or its tables."""
    if as_json:
        print(json.dumps(report, ensure_ascii=False, default=str))
        return
    for table in tables():
        OUT.print(table)


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()
) -> Table:
    """A plain table; columns named in `right` are aligned to the right."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold", expand=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, str) else str(cell) for cell in row))
    return made


def metrics_table(title: str, metrics: Mapping[str, Mapping[str, float | None]]) -> Table:
    """Measured figures with their intervals."""
    rows = [
        (name, _figure(metric["value"]), _interval(metric.get("low"), metric.get("high")))
        for name, metric in metrics.items()
    ]
    return table(title, ("metric", "value", "95% interval"), rows, right=("value",))


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{_figure(low)} to {_figure(high)}"


@contextmanager
def bar() -> Iterator[Progress]:
    """A progress display on stderr; silent when stderr is no terminal."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    with Progress(*columns, console=ERR, transient=False, disable=not ERR.is_terminal) as progress:
        yield progress


@contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """A kit Progress that draws one bar a step; a line a step where stderr is no terminal."""
    with bar() as progress:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total or None, note="")
                if progress.disable:
                    ERR.print(what, highlight=False)
            progress.update(tasks[what], completed=done, total=total or None)

        yield tell


def fail(message: str) -> None:
    """Says on stderr why a verb cannot go on."""
    ERR.print(f"[bold red]aisle:[/] {message}", highlight=False, soft_wrap=True)


def refuse(service: str, error: Exception, *, as_json: bool) -> None:
    """Says on stderr why a service cannot go on; to programs also as one JSON object on stdout.

    The reason is the error's own `code`, else IO_ERROR, NOT_FOUND or INVALID_ARGUMENT by its kind.
    """
    fail(str(error))
    if as_json:
        kinds = ((OSError, "IO_ERROR"), (LookupError, "NOT_FOUND"))
        kind = next((name for of, name in kinds if isinstance(error, of)), "INVALID_ARGUMENT")
        told = {"reason": getattr(error, "code", kind), "message": str(error)}
        print(json.dumps({"service": service, "error": told}, ensure_ascii=False))
