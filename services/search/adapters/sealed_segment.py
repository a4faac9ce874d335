"""Products by row in a folder, mapped, not loaded; they never change, and several are sealed into one."""

import json
from array import array
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np
from pyroaring import BitMap

from services.search.adapters.postings import SealedPostings, mapped, seal
from services.search.adapters.segments import TYPES, Books, Column, Part, Rows, bitmap, numbers
from services.search.adapters.terms import VALUES

_ROWS_A_TERM: Final = 32
"""Rows whose values are read in the time that one term takes."""


class SealedSegment:
    """Rows in a folder, sorted by document, mapped; they never change."""

    def __init__(self, folder: Path) -> None:
        """Those that `sealed` left there. Raises OSError or ValueError."""
        self.folder = folder
        self.postings = SealedPostings(folder)
        self._columns = {name: _load(folder, name) for name in TYPES}
        self._texts, self._text_order = _load(folder, "texts"), _load(folder, "text_order")
        self._id_ends = _load(folder, "id_ends")
        self._ids = mapped(folder / "ids")
        self._value_ends, self._values = _load(folder, "value_ends"), _load(folder, "values")

    def __len__(self) -> int:
        return len(self._columns["document"])

    def column(self, name: str) -> Column:
        """See Segment."""
        return self._columns[name]

    def rows_of(self, documents: Rows) -> Rows:
        """See Segment."""
        column, order = self._columns["document"], np.argsort(documents)  # in order they are found sooner
        at = np.empty(len(documents), np.int64)
        at[order] = np.minimum(np.searchsorted(column, documents[order]), len(column) - 1)
        return np.where(column[at] == documents, at, -1)

    def saying(self, text_keys: Rows) -> BitMap:
        """See Segment."""
        first, last = (np.searchsorted(self._texts, text_keys, side) for side in ("left", "right"))
        spans = zip(first.tolist(), last.tolist(), strict=True)
        found = [self._text_order[start:end] for start, end in spans if start < end]
        return bitmap(np.concatenate(found)) if found else BitMap()

    def ids(self, rows: Rows) -> list[str]:
        """See Segment."""
        ends = self._id_ends[rows].tolist()
        starts = np.where(rows > 0, self._id_ends[rows - 1], 0).tolist()
        return [self._ids[start:end].decode() for start, end in zip(starts, ends, strict=True)]

    def counts(self, prefix: str, found: BitMap) -> dict[str, int]:
        """See Segment. Value by value, or row by row, whichever is less."""
        terms = self.postings.span(prefix)
        if not found or not terms:
            return {}
        if len(terms) * _ROWS_A_TERM < len(found):
            having = self.postings.at(terms)
            counts = ((term, found.intersection_cardinality(rows)) for term, rows in having)
            return {term.removeprefix(prefix): count for term, count in counts if count}
        counted = np.bincount(self._values_of(numbers(found).astype(np.int64), terms), minlength=len(terms))
        there = np.flatnonzero(counted)
        texts = (self.postings[terms.start + at].decode().removeprefix(prefix) for at in there.tolist())
        return dict(zip(texts, counted[there].tolist(), strict=True))

    def _values_of(self, rows: Column, terms: range) -> Column:
        """The values of rows among these terms, counted from the first of these."""
        ends = self._value_ends[rows].astype(np.int64)
        lengths = ends - np.where(rows > 0, self._value_ends[rows - 1], 0)
        places = np.arange(lengths.sum()) + np.repeat(ends - np.cumsum(lengths), lengths)
        values: Column = self._values[places].astype(np.int64) - terms.start
        return values[(values >= 0) & (values < len(terms))]


def sealed(folder: Path, parts: Sequence[Part], books: Books) -> SealedSegment:
    """One segment in a new folder of all that is there in these, and the books beside it."""
    unfinished = folder.with_suffix(".new")
    unfinished.mkdir(parents=True)
    kept = [numbers(part.alive) for part in parts]
    documents = np.concatenate(
        [part.segment.column("document")[k] for part, k in zip(parts, kept, strict=True)]
    )
    order = np.argsort(documents, kind="stable")
    for name in TYPES:
        whole = np.concatenate([part.segment.column(name)[k] for part, k in zip(parts, kept, strict=True)])[
            order
        ]
        np.save(unfinished / name, whole)
        if name == "text_key":
            by_text = np.argsort(whole, kind="stable")
            np.save(unfinished / "texts", whole[by_text])
            np.save(unfinished / "text_order", by_text.astype(np.uint32))
    _seal_ids(unfinished, parts, kept, order)
    places = np.empty(len(order), np.uint32)
    places[order] = np.arange(len(order), dtype=np.uint32)
    moved = _renumbered(parts, np.split(places, np.cumsum([len(k) for k in kept])[:-1]))
    _seal_terms(unfinished, moved, len(order))
    (unfinished / "books").write_text(json.dumps(books.texts))
    unfinished.rename(folder)
    return SealedSegment(folder)


def opened(folder: Path) -> tuple[SealedSegment, Books]:
    """The segment and the books that `sealed` left. Raises OSError or ValueError."""
    return SealedSegment(folder), Books(json.loads((folder / "books").read_text()))


def _load(folder: Path, name: str) -> Column:
    # A plain array over the mapping: a memmap's own indexing is several times slower.
    column: Column = np.load(folder / f"{name}.npy", mmap_mode="r").view(np.ndarray)
    return column


def _seal_ids(folder: Path, parts: Sequence[Part], kept: Sequence[Column], order: Column) -> None:
    ids = [
        id_.encode()
        for part, k in zip(parts, kept, strict=True)
        for id_ in part.segment.ids(k.astype(np.int64))
    ]
    ids = [ids[at] for at in order.tolist()]
    np.save(folder / "id_ends", np.cumsum([len(id_) for id_ in ids], dtype=np.uint64))
    (folder / "ids").write_bytes(b"".join(ids))


def _seal_terms(folder: Path, postings: Iterator[tuple[str, BitMap]], count: int) -> None:
    """The rows of each term, and of each row the terms that are values, by their places among all."""
    rows, lengths, terms = array("I"), array("I"), array("I")

    def noted() -> Iterator[tuple[str, BitMap]]:
        for place, (term, found) in enumerate(postings):
            if term.startswith(VALUES):
                rows.extend(found.to_array())
                lengths.append(len(found))
                terms.append(place)
            yield term, found

    seal(folder, noted())
    holders = np.array(rows, np.uint32)
    values = np.repeat(np.array(terms, np.uint32), lengths)
    np.save(folder / "values", values[np.argsort(holders, kind="stable")])
    np.save(folder / "value_ends", np.cumsum(np.bincount(holders, minlength=count), dtype=np.uint32))


def _renumbered(parts: Sequence[Part], places: Sequence[Column]) -> Iterator[tuple[str, BitMap]]:
    """All terms in order with their rows' new places; those of no row that is there are left out."""
    together = merge(*map(_moved, parts, places), key=lambda each: each[0])
    for term, each in groupby(together, key=lambda each: each[0]):
        if found := BitMap.union(*(moved for _, moved in each)):
            yield term, found


def _moved(part: Part, places: Column) -> Iterator[tuple[str, BitMap]]:
    """The terms of a part with the new places of its rows."""
    every = np.zeros(len(part.segment), np.uint32)
    every[numbers(part.alive)] = places
    unmoved = len(places) == len(every) and bool((places == np.arange(len(places))).all())
    for term, found in part.segment.postings.beginning(""):
        yield term, found if unmoved else bitmap(every[numbers(found & part.alive)])
