"""What search needs of the outside: an engine with words and vectors, an encoder, completions."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
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
    score: float


class Place(NamedTuple):
    """Where a product stands in an order by price or id; `micros` is None without a price."""

    currency: str
    micros: int | None
    product_id: str


Word = tuple[str, ...]
"""A word of a query with what counts as it: ("tv", "television"). One of several words is a phrase."""


class Suggestion(NamedTuple):
    """A completion and where it comes from: "own", "query", "category", "brand" or "product"."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """The products that have the words or one of the texts, as far as the filter lets them through.

    Words: each of them, or any; with `prefix` the last may be unfinished. `texts` are keys of embedded
    texts. With neither words nor texts every product is wanted that the filter lets through.
    """

    words: tuple[Word, ...] = ()
    every: bool = True
    prefix: bool = False
    texts: tuple[int, ...] = ()
    filter: Filter = field(default_factory=Filter)


class Shelf(Protocol):
    """One consistent look at the catalogue."""

    def count(self, wanted: Wanted) -> int:
        """How many products are wanted."""
        ...

    def ranked(self, wanted: Wanted, limit: int) -> list[Candidate]:
        """The wanted products that have the most of the words by BM25, best first; then those with none."""
        ...

    def saying(self, words: Sequence[Word], documents: Sequence[int]) -> set[int]:
        """Which of the documents have the words in their description, in this order and side by side."""
        ...

    def title_words(self, wanted: Wanted, product_ids: Sequence[str]) -> Mapping[str, list[str]]:
        """Of each product the words of its title, as they stand there, that are among the wanted words."""
        ...

    def listing(self, wanted: Wanted, order: Order, after: Place | None, limit: int) -> list[Place]:
        """Wanted products after a place, whether or not something is there: by price, without one last.

        Prices stand one currency after the other; ties, and all in the order of relevance, stand by id.
        """
        ...

    def facets(self, names: Sequence[str], wanted: Wanted, limit: int) -> Mapping[str, list[tuple[str, int]]]:
        """Of each property its values with their numbers of wanted products, most first; ties by value."""
        ...


class Completions(Protocol):
    """What begins like an unfinished query; any thread may call it. Prefixes are in normal spelling."""

    def own_queries(self, who: bytes, prefix: str, limit: int) -> list[str]:
        """Queries of one shopper, by `history.person`, the last first."""
        ...

    def popular_queries(self, prefix: str, limit: int) -> list[str]:
        """Queries that may be offered to anybody, most used first; all of them begin with ""."""
        ...

    def terms(self, prefix: str, limit: int) -> list[Suggestion]:
        """Categories and brands, most products first, then titles; at most `limit` of each, may repeat."""
        ...

    def beginnings(self, prefixes: Sequence[str]) -> Mapping[str, int]:
        """Those of the prefixes that a word of the catalogue begins with; products of the commonest one."""
        ...

    def begun(self, prefixes: Sequence[str]) -> Mapping[str, int]:
        """Those of the prefixes that names or titles begin with; how many, up to a bound."""
        ...


class Catalogue(Protocol):
    """The lexical index."""

    def look(self) -> AbstractContextManager[Shelf]:
        """A consistent look; products that come or go meanwhile do not show in it."""
        ...


class EncoderAway(Exception):  # noqa: N818
    """The encoder cannot be asked for now; words alone can answer."""


class Encoder(Protocol):
    """Turns texts into vectors."""

    tag: str
    """Names the model and its version: vectors of two tags cannot be compared."""

    def encode(self, texts: Sequence[str]) -> Vector:
        """One row a text, each of length 1; a text has the same vector whatever its neighbours.

        Raises EncoderAway.
        """
        ...

    def knows(self, word: str) -> bool:
        """Whether the word is one of the language, as far as the model has seen it."""
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


class RetrievalBackend(Catalogue, Protocol):
    """An engine that finds products: its words, filters, counts and orders, and its vectors.

    One is embedded, others are distributed engines. What a query means, how what is found is fused and
    ordered, and what the merchant rules stays with the service, whichever engine finds.
    """

    def vectors(self, tag: str) -> Vectors:
        """The index of the vectors that the encoder of this tag makes; empty, or as it was left."""
        ...

    def open(self) -> None:
        """Makes it ready before it is asked anything; blocks. Raises when the engine does not answer."""
        ...

    def keep_vectors(self, tag: str) -> None:
        """Only those of this tag are asked for any more: what this process alone used of others may go."""
        ...
