"""Products by row: columns of numbers and postings of terms, sealed in a mapped folder or growing in memory.

A row never changes; a product that changes leaves its row and gets another. Values with few different texts
are codes, of which `Books` keeps the texts.
"""

from array import array
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from pyroaring import BitMap

from services.search.adapters.postings import Postings

Rows = npt.NDArray[np.int64]
Column = npt.NDArray[Any]

PATHS: Final = "\n"
"""What joins a product's category paths into one text, its shelf."""

NONE: Final = int(np.iinfo(np.int64).min)
"""The micros of a product without a price."""

CODED: Final = ("brand_key", "price_range", "availability", "shelf")
"""Columns whose numbers are codes; a shelf is all category paths of a product, joined."""

TYPES: Final[dict[str, np.dtype[Any]]] = {
    "document": np.dtype(np.int64),
    "text_key": np.dtype(np.int64),
    "micros": np.dtype(np.int64),
    "margin": np.dtype(np.float64),
    "since": np.dtype(np.float64),
    **dict.fromkeys(CODED, np.dtype(np.uint32)),
}


class Segment(Protocol):
    """Some products by row; any thread may ask, and what it asks of rows that it knows does not change."""

    @property
    def postings(self) -> Postings:
        """The rows of each term."""
        ...

    def __len__(self) -> int:
        """How many rows there are."""
        ...

    def column(self, name: str) -> Column:
        """One of TYPES, of every row at least that there was when the look began."""
        ...

    def rows_of(self, documents: Rows) -> Rows:
        """The row of each document, -1 of those that are elsewhere."""
        ...

    def saying(self, text_keys: Rows) -> BitMap:
        """The rows whose text is one of these, which are sorted."""
        ...

    def ids(self, rows: Rows) -> list[str]:
        """The product of each row."""
        ...

    def counts(self, prefix: str, found: BitMap) -> dict[str, int]:
        """The values of `Entry.values` that begin so, with the number of these rows that have each."""
        ...


class Entry(NamedTuple):
    """A product's row: its columns in the order of TYPES, its terms, and those of them that are counted."""

    id: str
    columns: tuple[float, ...]
    terms: frozenset[str]
    values: tuple[str, ...] = ()


class ShelfPaths(NamedTuple):
    """The paths of the first `known` shelves: of each pair of a path and a shelf their places, (pairs,)."""

    known: int
    names: list[str]
    paths: Column
    shelves: Column


class Books:
    """The texts of codes, and the code of each text; a code keeps its text for ever. One thread adds."""

    def __init__(self, texts: dict[str, list[str]] | None = None) -> None:
        self.texts: dict[str, list[str]] = texts or {name: [] for name in CODED}
        self._paths = ShelfPaths(0, [], np.empty(0, np.int64), np.empty(0, np.int64))
        self._codes = {
            name: {text: code for code, text in enumerate(some)} for name, some in self.texts.items()
        }

    def code(self, name: str, text: str) -> int:
        """The code of a text, a new one if it has none."""
        codes = self._codes[name]
        if (code := codes.get(text)) is None:
            self.texts[name].append(text)
            code = codes[text] = len(self.texts[name]) - 1
        return code

    def paths(self, products: Column) -> dict[str, int]:
        """Products of each category path, of the products (codes,) on each shelf."""
        of = self._shelf_paths(len(products))
        counts = np.bincount(of.paths, products[of.shelves], len(of.names)).astype(np.int64)
        there = np.flatnonzero(counts).tolist()
        return dict(zip((of.names[at] for at in there), counts[there].tolist(), strict=True))

    def _shelf_paths(self, count: int) -> ShelfPaths:
        """The paths of the first so many shelves; kept until there are others."""
        if self._paths.known != count:
            names: dict[str, int] = {}
            each = [shelf.split(PATHS) if shelf else [] for shelf in self.texts["shelf"][:count]]
            paths = [names.setdefault(path, len(names)) for some in each for path in some]
            lengths = [len(some) for some in each]
            shelves = np.repeat(np.arange(count), lengths)
            self._paths = ShelfPaths(count, list(names), np.array(paths, np.int64), shelves)
        return self._paths


class Part(NamedTuple):
    """A segment and those of its rows that are there."""

    segment: Segment
    alive: BitMap


def bitmap(rows: Column) -> BitMap:
    """Rows as a bitmap; they may be in any order."""
    taken = array("I")
    taken.frombytes(rows.astype(np.uint32).tobytes())
    return BitMap(taken)


def numbers(found: BitMap) -> npt.NDArray[np.uint32]:
    """The rows of a bitmap as an array, in order."""
    return np.frombuffer(found.to_array(), np.uint32)
