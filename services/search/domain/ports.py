"""What search needs of the outside: an index of words, an index of vectors, an encoder."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from services.search.domain.request import Filter, Order

Vector = npt.NDArray[np.float32]
"""float32: one vector (dimension,) or one a row (n, dimension), each of length 1."""


class Candidate(NamedTuple):
    """A product that may be answered. `score` is BM25, higher is better; 0 where no words were matched."""

    document: int
    product_id: str
    text_key: int
    currency: str
    micros: int | None
    score: float


Word = tuple[str, ...]
"""A word of a query with what counts as it: ("tv", "television"). One of several words is a phrase."""


class Suggestion(NamedTuple):
    """A completion and where it comes from: "query", "category", "brand" or "product"."""

    text: str
    source: str


class Shelf(Protocol):
    """One consistent look at the catalogue."""

    def count_words(self, words: Sequence[Word], *, every: bool, prefix: bool = False) -> int:
        """How many products have the words: each of them, or any. With prefix the last may be unfinished."""
        ...

    def by_words(
        self, words: Sequence[Word], filter_: Filter, *, every: bool, prefix: bool = False
    ) -> list[Candidate]:
        """The products let through that have the words, in no order."""
        ...

    def saying(self, words: Sequence[str], documents: Sequence[int]) -> set[int]:
        """Which of the documents have the words in their description, in this order and side by side."""
        ...

    def by_texts(self, keys: Sequence[int], filter_: Filter) -> list[Candidate]:
        """The products let through whose embedded text has one of the keys, in no order."""
        ...

    def count(self, filter_: Filter) -> int:
        """How many products the filter lets through."""
        ...

    def listing(self, filter_: Filter, order: Order, offset: int, limit: int) -> list[str]:
        """Ids of the products let through: by price, without one last; else, and for ties, by id."""
        ...

    def facet(
        self, name: str, filter_: Filter, documents: Sequence[int] | None, limit: int
    ) -> list[tuple[str, int]]:
        """Values with their numbers of products, most first: of the documents, or of all let through."""
        ...

    def suggestions(self, prefix: str, limit: int) -> list[Suggestion]:
        """Completions of a normal prefix: past queries most used first, then the catalogue; may repeat."""
        ...


class Catalogue(Protocol):
    """The lexical index."""

    def look(self) -> AbstractContextManager[Shelf]:
        """A consistent look; products that come or go meanwhile do not show in it."""
        ...


class Encoder(Protocol):
    """Turns texts into vectors."""

    tag: str
    """Names the model and its version: vectors of two tags cannot be compared."""

    def encode(self, texts: Sequence[str]) -> Vector:
        """One row a text, each of length 1; a text has the same vector whatever its neighbours."""
        ...


class Vectors(Protocol):
    """An index of vectors by number; any thread may call it."""

    def add(self, keys: Sequence[int], vectors: Vector) -> None:
        """Adds rows; a key that is there already keeps its vector."""
        ...

    def remove(self, keys: Sequence[int]) -> None:
        """Takes rows out; unknown keys are ignored."""
        ...

    def nearest(self, vector: Vector, count: int) -> list[tuple[int, float]]:
        """The nearest keys with their cosines, nearest first."""
        ...

    def similarity(self, vector: Vector, keys: Sequence[int]) -> Mapping[int, float]:
        """The cosine of each of these keys that is there."""
        ...

    def keys(self) -> set[int]:
        """All that is there."""
        ...
