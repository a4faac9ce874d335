"""Each format gives the same rows, with their lines; what cannot be read is a row with a reason."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.cli import formats

ROWS: list[dict[str, Any]] = [{"id": "a", "title": "Apple"}, {"id": "b", "title": "Brød, 500 g"}]


def write(folder: Path, name: str) -> Path:
    path = folder / name
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif ".csv" in name:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["id", "title"])
            writer.writeheader()
            writer.writerows(ROWS)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(path.read_bytes()))
    return path


@pytest.mark.parametrize("name", ["p.jsonl", "p.jsonl.gz", "p.csv", "p.csv.gz", "p.parquet"])
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name)
    seen: list[int] = []
    rows = list(formats.rows(path, report=seen.append))
    assert [row.values for row in rows] == ROWS
    assert seen[-1] == formats.size_of(path)
    assert [row.values for row in formats.rows(path, after=rows[0].line)] == ROWS[1:]


def test_a_name_that_says_no_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.jsonl"):
        formats.rows(tmp_path / "products.xlsx")


def test_bad_json_lines_are_told_by_line(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    lines = [b'{"id": "a"}', b"", b'{"id": ', b'"text"', b'{"id": "\xff"}', b'{"id": "z"}']
    path.write_bytes(b"\n".join(lines))
    rows = list(formats.rows(path))
    assert [(row.line, row.values is None) for row in rows] == [
        (1, False), (3, True), (4, True), (5, True), (6, False),
    ]  # fmt: skip
    assert "UTF-8" in str(rows[3].error)


def test_a_line_without_end_takes_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MAX_LINE_BYTES", 100)
    path = tmp_path / "p.jsonl"
    path.write_text('{"id": "' + "x" * 1_000 + '"}\n{"id": "b"}\n')
    first, second = formats.rows(path)
    assert first.error is not None
    assert first.error.reason == "TOO_LARGE"
    assert (second.line, second.values) == (2, {"id": "b"})


def test_bad_csv_rows_are_told_by_line(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(b'\xef\xbb\xbfid,title\na,"two\nlines"\nb\nc,\xe9t\xe9\nd,fine\n')
    rows = list(formats.rows(path))
    assert [row.line for row in rows] == [2, 4, 5, 6]
    assert rows[0].values == {"id": "a", "title": "two\nlines"}
    assert rows[1].error is not None
    assert rows[2].error is not None
    assert rows[2].error.field == "title"
    assert rows[3].values == {"id": "d", "title": "fine"}


def test_a_file_cut_in_half_says_so(tmp_path: Path) -> None:
    for name in ("p.parquet", "p.jsonl.gz"):
        path = write(tmp_path, name)
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(ValueError, match="end"):
            list(formats.rows(path))


def test_a_parquet_text_that_is_not_utf8_is_one_bad_row(tmp_path: Path) -> None:
    bad = pa.array([b"a", b"\xff", b"c"]).view(pa.string())
    pq.write_table(pa.table({"id": bad}), tmp_path / "p.parquet")
    rows = list(formats.rows(tmp_path / "p.parquet"))
    assert [(row.line, row.values) for row in rows] == [(1, {"id": "a"}), (2, None), (3, {"id": "c"})]
