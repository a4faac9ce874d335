"""Which rows have a term: one Roaring bitmap a term (Lemire et al. 2016), in a mapped file or in memory.

A bitmap of what half of a million products have takes 125 KB, and two of them meet in 10 us; so everything
that matches can be counted, however much it is.
"""

import mmap
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from pyroaring import BitMap

_ENDS: Final = "Q"
_LAST: Final = b"\xff"  # no byte of UTF-8 is larger, nor this one
_APART: Final = 32
"""Terms from one that is kept in memory to the next, so that looking one up reads few of the file."""

_MANY: Final = 4_096
"""Rows of a bitmap that is worth looking through for runs of them."""

_UNSORTED: Final = 1_000
_KEPT: Final = 500
"""New rows of a term from which on its bitmap is kept for the next look."""


class Postings(Protocol):
    """Rows by term; any thread may ask."""

    def of(self, term: str) -> BitMap:
        """The rows that have the term; not to be changed."""
        ...

    def beginning(self, prefix: str) -> Iterator[tuple[str, BitMap]]:
        """The terms that begin so, in order, and the rows of each."""
        ...


class SealedPostings(Sequence[bytes]):
    """Postings in a folder, mapped, not loaded; as a sequence, their terms in order."""

    def __init__(self, folder: Path) -> None:
        """Those that `seal` left there. Raises OSError or ValueError."""
        self._terms, self._rows = mapped(folder / "terms"), mapped(folder / "postings")
        self._term_ends = memoryview(mapped(folder / "terms.ends")).cast(_ENDS)
        self._row_ends = memoryview(mapped(folder / "postings.ends")).cast(_ENDS)
        self._signposts = [self[at] for at in range(0, len(self), _APART)]

    def __len__(self) -> int:
        return len(self._term_ends)

    def __getitem__(self, at: int) -> bytes:  # type: ignore[override]
        return bytes(self._terms[self._term_ends[at - 1] if at else 0 : self._term_ends[at]])

    def of(self, term: str) -> BitMap:
        """See Postings."""
        key = term.encode()
        at = self._place(key)
        return self._at(at) if at < len(self) and self[at] == key else BitMap()

    def beginning(self, prefix: str) -> Iterator[tuple[str, BitMap]]:
        """See Postings."""
        return self.at(self.span(prefix))

    def span(self, prefix: str) -> range:
        """The places of the terms that begin so."""
        key = prefix.encode()
        return range(self._place(key), self._place(key + _LAST))

    def at(self, places: range) -> Iterator[tuple[str, BitMap]]:
        """The terms at these places, and the rows of each."""
        for place in places:
            yield self[place].decode(), self._at(place)

    def _place(self, key: bytes) -> int:
        """Where a term stands, or would stand."""
        after = bisect_left(self._signposts, key)
        return bisect_left(self, key, max(0, (after - 1) * _APART), min(len(self), after * _APART))

    def _at(self, at: int) -> BitMap:
        return BitMap.deserialize(self._rows[self._row_ends[at - 1] if at else 0 : self._row_ends[at]])


class RecentPostings:
    """Postings in memory; one thread adds rows, each larger than those before it."""

    def __init__(self) -> None:
        self._rows: dict[str, array[int]] = {}
        self._many: dict[str, BitMap] = {}
        self._sorted: list[str] = []

    def add(self, row: int, terms: Iterable[str]) -> None:
        """Adds a row to each of its terms."""
        for term in terms:
            rows = self._rows.get(term)
            if rows is None:
                self._rows[term] = array("I", (row,))
            else:
                rows.append(row)

    def of(self, term: str) -> BitMap:
        """See Postings."""
        rows = self._rows.get(term)
        if rows is None:
            return BitMap()
        known = self._many.get(term) or BitMap()
        new = BitMap(rows[len(known) :])  # a copy, for a row may come while it is read
        found = known | new if known else new
        if len(new) > _KEPT:
            self._many[term] = found
        return found

    def beginning(self, prefix: str) -> Iterator[tuple[str, BitMap]]:
        """See Postings."""
        terms, known = list(self._rows), self._sorted  # what is new in a dict comes last
        if len(terms) - len(known) > _UNSORTED:
            self._sorted = known = sorted(terms)
        new = sorted(term for term in terms[len(known) :] if term.startswith(prefix))
        found = list[str]()
        for at in range(bisect_left(known, prefix), len(known)):
            if not known[at].startswith(prefix):
                break
            found.append(known[at])
        for term in sorted((*found, *new)):
            yield term, self.of(term)


def seal(folder: Path, postings: Iterable[tuple[str, BitMap]]) -> None:
    """Writes postings, sorted by term, to be mapped from there."""
    term_ends, row_ends = array(_ENDS), array(_ENDS)
    term_end = row_end = 0
    with (folder / "terms").open("wb") as terms, (folder / "postings").open("wb") as all_rows:
        for term, rows in postings:
            if len(rows) > _MANY:
                rows.run_optimize()
            term_end += terms.write(term.encode())
            row_end += all_rows.write(rows.serialize())
            term_ends.append(term_end)
            row_ends.append(row_end)
    (folder / "terms.ends").write_bytes(term_ends.tobytes())
    (folder / "postings.ends").write_bytes(row_ends.tobytes())


def mapped(path: Path) -> mmap.mmap | bytes:
    """A file's bytes, read where they are asked for."""
    with path.open("rb") as file:
        # An empty file cannot be mapped.
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""
