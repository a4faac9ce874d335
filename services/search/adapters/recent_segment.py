"""Products by row that came since a segment was sealed: in memory, growing."""

from array import array
from collections import Counter, defaultdict
from typing import Final

import numpy as np
from pyroaring import BitMap

from services.search.adapters.postings import RecentPostings
from services.search.adapters.segments import TYPES, Column, Entry, Rows

_LEAST: Final = 1_024
_MANY: Final = 2_000


class RecentSegment:
    """Rows in memory; one thread adds."""

    def __init__(self) -> None:
        self.postings = RecentPostings()
        self._columns: dict[str, Column] = {name: np.empty(_LEAST, of) for name, of in TYPES.items()}
        self._ids: list[str] = []
        self._values: list[tuple[str, ...]] = []
        self._by_document: dict[int, int] = {}
        self._by_text: defaultdict[int, array[int]] = defaultdict(lambda: array("I"))

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, entry: Entry) -> None:
        """Adds a product."""
        row = len(self._ids)
        for (name, column), value in zip(self._columns.items(), entry.columns, strict=True):
            if row == len(column):
                self._columns[name] = column = np.concatenate((column, np.empty_like(column)))
            column[row] = value
        self._by_document[int(entry.columns[0])] = row
        self._by_text[int(entry.columns[1])].append(row)
        self.postings.add(row, entry.terms)
        self._values.append(entry.values)
        self._ids.append(entry.id)

    def column(self, name: str) -> Column:
        """See Segment."""
        return self._columns[name]

    def rows_of(self, documents: Rows) -> Rows:
        """See Segment."""
        return np.array([self._by_document.get(each, -1) for each in documents.tolist()], np.int64)

    def saying(self, text_keys: Rows) -> BitMap:
        """See Segment."""
        found = BitMap()
        for key in text_keys.tolist():
            if key in self._by_text:
                found.update(self._by_text[key][:])
        return found

    def ids(self, rows: Rows) -> list[str]:
        """See Segment."""
        return [self._ids[row] for row in rows.tolist()]

    def counts(self, prefix: str, found: BitMap) -> dict[str, int]:
        """See Segment. Row by row, or value by value where the rows are many."""
        if len(found) > _MANY:
            having = self.postings.beginning(prefix)
            counted = {value: found.intersection_cardinality(rows) for value, rows in having}
        else:
            each = (value for row in found for value in self._values[row] if value.startswith(prefix))
            counted = dict(Counter(each))
        return {value.removeprefix(prefix): count for value, count in counted.items() if count}
