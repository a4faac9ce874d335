"""The catalogue by row, beside tantivy: what is counted, filtered and ordered by, and where each word stands.

What comes is kept in memory, what goes leaves a tombstone. When much has come or gone, a thread seals all
that is there into one mapped segment beside those that serve, and the next change swaps it in. Nothing here
is more than a copy: at start, what the newest sealed segment lacks of the view is added from the view.
"""

import shutil
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Thread
from typing import Final, NamedTuple

import numpy as np
from pyroaring import BitMap

from services.kit import logs
from services.search.adapters.recent_segment import RecentSegment
from services.search.adapters.sealed_segment import SealedSegment, opened, sealed
from services.search.adapters.segments import NONE, PATHS, Books, Entry, Part, Segment, numbers
from services.search.adapters.terms import terms_of, values_of
from services.search.adapters.view_reads import Analyse
from services.search.adapters.words_index import Row, rows

LAYOUT: Final = 2
"""Changes with what a row holds: segments of another layout are made again."""

LEAST: Final = 20_000
"""Rows that come or go before anything is sealed."""

SHARE: Final = 0.25
"""Beyond, the share of the sealed rows that may come, or go, before all is sealed anew."""

_CHUNK: Final = 10_000
_logger = logs.get(__name__)


class _Made(NamedTuple):
    """A segment made of the parts that were there, and what was alive in them then."""

    segment: SealedSegment
    parts: tuple[Part, ...]


class RowTable:
    """One thread at a time changes it; any thread may look."""

    def __init__(self, folder: Path, analyse: Analyse, least: int = LEAST) -> None:
        """What another layout left in the folder is deleted; `least`: see LEAST."""
        self._folder = folder / str(LAYOUT)
        self._analyse = analyse
        self._least = least
        self._making: Thread | None = None
        self._added: list[tuple[Segment, int]]
        self._removed: list[tuple[Segment, int]]
        self._books: Books
        for other in folder.glob("*"):
            if other != self._folder:
                shutil.rmtree(other, ignore_errors=True)
        self._begin()

    def look(self) -> tuple[Sequence[Part], Books]:
        """All that is shown, unchanged for as long as it is held."""
        return self._shown

    def replace(self, gone: Iterable[int], come: Iterable[Row]) -> None:
        """Takes documents out, unknown ones too, and puts others in; shown after `show`."""
        for document in gone:
            self._remove(document)
        for row in come:
            self._remove(row.document)
            self._added.append((self._recent, len(self._recent)))
            self._recent.add(self._entry(row))

    def rollback(self) -> None:
        """Forgets the changes that were not shown yet."""
        for segment, row in self._removed:
            self._gone[segment].discard(row)
        for segment, row in self._added:
            self._gone[segment].add(row)
        self._added, self._removed = [], []

    def show(self) -> None:
        """Shows the changes to looks from now on."""
        self._added, self._removed = [], []
        self._adopt()
        self._shown = (
            tuple(Part(s, BitMap(range(len(s))) - gone) for s, gone in self._gone.items()),
            self._books,
        )
        if self._making is None and self._worn():
            self._making = Thread(target=self._make, args=(self._shown[0],), daemon=True)
            self._recent = RecentSegment()
            self._gone[self._recent] = BitMap()
            self._making.start()

    def mend(self, connection: sqlite3.Connection) -> None:
        """Adds what the view has and this lacks, and takes out what the view has no more."""
        there = [part.segment.column("document")[numbers(part.alive)] for part in self._shown[0]]
        known = np.concatenate((*there, np.empty(0, np.int64)))
        summary = connection.execute("SELECT count(*), coalesce(sum(document), 0) FROM products").fetchone()
        if summary == (len(known), int(known.sum())):
            return
        held = np.array([d for (d,) in connection.execute("SELECT document FROM products")], np.int64)
        lacking = np.setdiff1d(held, known)
        if len(lacking) == len(held) > 0:
            self.clear()
        self.replace(np.setdiff1d(known, held).tolist(), ())
        for start in range(0, len(lacking), _CHUNK):
            self.replace((), rows(connection, lacking[start : start + _CHUNK].tolist()))
            self.show()
        self.show()

    def clear(self) -> None:
        """Takes every product out."""
        self.settle()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._begin()

    def settle(self) -> None:
        """Waits for the segment that is being made, if there is one."""
        if self._making is not None:
            self._making.join()

    def close(self) -> None:
        """Waits, and seals what came since when it is so much that a start would take long."""
        self.settle()
        self.show()
        self.settle()

    def _begin(self) -> None:
        """Opens the newest segment; what cannot be read is made again."""
        self._added, self._removed = [], []
        self._making = None
        self._made: _Made | None = None
        self._recent = RecentSegment()
        self._gone: dict[Segment, BitMap] = {}
        try:
            segment, self._books = opened(self._folder / str(_generation(self._folder)))
            self._gone[segment] = BitMap()
        except (OSError, ValueError):
            self._books = Books()
        self._gone[self._recent] = BitMap()
        self.show()

    def _remove(self, document: int) -> None:
        for segment, gone in self._gone.items():
            row = int(segment.rows_of(np.array([document]))[0])
            if row >= 0 and row not in gone:
                gone.add(row)
                self._removed.append((segment, row))

    def _entry(self, row: Row) -> Entry:
        texts = {
            "brand_key": row.brand_key,
            "price_range": row.price_range,
            "availability": row.availability,
            "shelf": PATHS.join(row.paths),
        }
        codes = (self._books.code(name, text) for name, text in texts.items())
        micros = NONE if row.micros is None else row.micros
        columns = row.document, row.text_key, micros, row.margin, row.since, *codes
        return Entry(row.id, columns, frozenset(terms_of(row, self._analyse)), tuple(values_of(row)))

    def _worn(self) -> bool:
        """Whether much has come or gone since the last segment was sealed."""
        first, *_ = self._gone
        old = len(first) if isinstance(first, SealedSegment) else 0
        gone = sum(map(len, self._gone.values()))
        return max(len(self._recent), gone) > max(self._least, SHARE * old)

    def _make(self, parts: tuple[Part, ...]) -> None:
        folder = self._folder / str(_generation(self._folder) + 1)
        shutil.rmtree(folder.with_suffix(".new"), ignore_errors=True)
        self._made = _Made(sealed(folder, parts, self._books), parts)
        _logger.info("rows.sealed", rows=len(self._made.segment))

    def _adopt(self) -> None:
        """Serves by the segment that was made, in which what went meanwhile is gone."""
        if self._making is None or self._making.is_alive():
            return
        made, self._making, self._made = self._made, None, None
        if made is None:
            return  # it failed, and was told; what serves goes on
        went = BitMap()
        for segment, alive in made.parts:
            gone = segment.column("document")[numbers(alive & self._gone.pop(segment))]
            went.update(made.segment.rows_of(gone).tolist())
            if isinstance(segment, SealedSegment):
                shutil.rmtree(segment.folder, ignore_errors=True)  # what is mapped stays readable
        self._gone = {made.segment: went, **self._gone}


def _generation(folder: Path) -> int:
    """The newest generation in the folder, 0 when there is none."""
    return max((int(child.name) for child in folder.glob("*") if child.name.isdecimal()), default=0)
