"""Reads JSON Lines, CSV and Parquet a row at a time, in bounded memory, with the line of each."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

MAX_LINE_BYTES = 4 * 1024 * 1024
PARQUET_ROWS = 1_000

Report = Callable[[int], None]
"""Called with the bytes (of Parquet: rows) that were read so far."""


class BadRowError(Exception):
    """Why a row cannot be imported."""

    def __init__(self, reason: str, message: str, field: str = "") -> None:
        """`reason` is an ErrorReason's name, as the gateway would give it."""
        super().__init__(message)
        self.reason = reason
        self.field = field


@dataclass(frozen=True)
class Row:
    """One row of a file: its line (of Parquet: its number, from 1), and its values or what is wrong."""

    line: int
    values: dict[str, Any] | None
    error: BadRowError | None = None


def kind_of(path: Path) -> str:
    """ "jsonl", "csv" or "parquet", by the name's ending. Raises ValueError."""
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    kind = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet"}.get(suffix.lower())
    if kind is None or (kind == "parquet" and path.suffix == ".gz"):
        raise ValueError(f"{path.name} is none of .jsonl, .csv (either may end in .gz too) and .parquet")
    return kind


def size_of(path: Path) -> int:
    """What Report counts up to."""
    if kind_of(path) == "parquet":
        import pyarrow.parquet as pq

        return int(pq.ParquetFile(path).metadata.num_rows)
    return path.stat().st_size


def rows(path: Path, *, after: int = 0, report: Report = lambda _: None) -> Iterator[Row]:
    """The rows after a line. Raises ValueError for a file that is not what its name says, OSError."""
    readers = {"jsonl": _jsonl, "csv": _csv, "parquet": _parquet}
    return readers[kind_of(path)](path, after, report)


def _jsonl(path: Path, after: int, report: Report) -> Iterator[Row]:
    for line, raw in islice(enumerate(_lines(path, report), start=1), after, None):
        if raw.isspace():
            continue
        try:
            if len(raw) > MAX_LINE_BYTES:
                raise BadRowError("TOO_LARGE", f"the line is longer than {MAX_LINE_BYTES} bytes")
            values = json.loads(raw.decode("utf-8"))
            if not isinstance(values, dict):
                raise BadRowError("INVALID_VALUE", f"the line is not a JSON object: {raw[:80]!r}")
        except UnicodeDecodeError as error:
            yield Row(line, None, BadRowError("INVALID_VALUE", f"not UTF-8: {error}"))
        except (ValueError, RecursionError) as error:
            yield Row(line, None, BadRowError("INVALID_VALUE", f"not JSON: {error}"))
        except BadRowError as error:
            yield Row(line, None, error)
        else:
            yield Row(line, values)


def _csv(path: Path, after: int, report: Report) -> Iterator[Row]:
    csv.field_size_limit(MAX_LINE_BYTES)
    reader = csv.reader(raw.decode("utf-8", "surrogateescape") for raw in _lines(path, report))
    header = next(reader, None)
    if header is None:
        return
    header[0] = header[0].removeprefix("\ufeff")
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            row = Row(line, None, BadRowError("INVALID_VALUE", f"not CSV: {error}"))
        else:
            if not cells:
                continue
            row = _csv_row(line, header, cells)
        if line > after:
            yield row


def _csv_row(line: int, header: list[str], cells: list[str]) -> Row:
    if len(cells) != len(header):
        return Row(
            line, None, BadRowError("INVALID_VALUE", f"{len(cells)} cells under {len(header)} columns")
        )
    bad = next((name for name, cell in zip(header, cells, strict=True) if not _is_utf8(cell)), None)
    if bad is not None:
        return Row(line, None, BadRowError("INVALID_VALUE", "not UTF-8", field=bad))
    return Row(line, {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""})


def _is_utf8(text: str) -> bool:
    return text.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in text)


def _lines(path: Path, report: Report) -> Iterator[bytes]:
    """Lines, blank ones too; one past the limit comes cut just past it, so that it is seen to be too long."""
    with path.open("rb") as file:
        source: BinaryIO = io.BufferedReader(gzip.GzipFile(fileobj=file)) if path.suffix == ".gz" else file
        try:
            while raw := source.readline(MAX_LINE_BYTES + 1):
                rest = raw
                while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
                    rest = source.readline(MAX_LINE_BYTES + 1)
                report(file.tell())
                yield raw
        except (gzip.BadGzipFile, EOFError, OSError) as error:
            raise ValueError(f"{path.name} cannot be read to its end: {error}") from error


def _parquet(path: Path, after: int, report: Report) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        line = 0
        for batch in file.iter_batches(batch_size=PARQUET_ROWS):
            if line + batch.num_rows > after:
                yield from _batch_rows(batch.slice(max(0, after - line)), max(line, after))
            line += batch.num_rows
            report(line)
    except pa.ArrowException as error:
        raise ValueError(f"{path.name} is not Parquet to its end: {error}") from error


def _batch_rows(batch: Any, before: int) -> Iterator[Row]:
    for place in range(batch.num_rows):
        line = before + place + 1
        if place == 0:
            try:
                values = batch.to_pylist()
            except (UnicodeDecodeError, ValueError):  # one of them cannot be read: look at each by itself
                values = None
        if values is not None:
            yield Row(line, {name: value for name, value in values[place].items() if value is not None})
            continue
        try:
            yield Row(line, batch.slice(place, 1).to_pylist()[0])
        except (UnicodeDecodeError, ValueError) as error:
            yield Row(line, None, BadRowError("INVALID_VALUE", f"not UTF-8: {error}"))
