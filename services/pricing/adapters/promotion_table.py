"""Past promotions as a shop keeps them: a CSV file, a line each."""

import csv
from datetime import date
from pathlib import Path
from typing import Final

from services.pricing.domain.demand.shown import Shown

COLUMNS: Final = ("product_id", "kind", "begin_date", "end_date")
_EPOCH: Final = date(1970, 1, 1)


def read(file: Path) -> list[Shown]:
    """The promotions of a file with COLUMNS; dates as 2026-01-31, the last one included.

    Raises ValueError with the line for what is missing or makes no sense, and OSError.
    """
    with file.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines, skipinitialspace=True)
        if not set(COLUMNS) <= set(reader.fieldnames or ()):
            raise ValueError(f"{file}: the columns {', '.join(COLUMNS)} are needed")
        found = []
        for row in reader:
            product_id, kind, begin, end = ((row[name] or "").strip() for name in COLUMNS)
            where = f"{file}, line {reader.line_num}"
            if not product_id or not kind:
                raise ValueError(f"{where}: product_id and kind are needed")
            one = Shown(product_id, kind, _day(begin, where), _day(end, where))
            if one.last < one.first:
                raise ValueError(f"{where}: {end} is before {begin}")
            found.append(one)
    return found


def _day(text: str, where: str) -> int:
    try:
        return (date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        raise ValueError(f"{where}: {text or 'nothing'} is no date, as 2026-01-31 is") from None
