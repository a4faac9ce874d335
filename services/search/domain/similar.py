"""Queries like one: what the same visits typed, what was clicked for the same products, what means alike.

From a query to the products that were clicked for it and on to other queries is a walk of two steps on the
graph of clicks (Craswell & Szummer 2007); what was typed before or after it in a visit is a walk of one. A
query's score is the chance that these walks end there. Where both find too little, meaning fills up.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from services.search.domain.errors import InvalidValue
from services.search.domain.history import SHOPPERS
from services.search.domain.request import check_text, page_size
from services.search.domain.text import key, words

DEFAULT_QUERIES: Final = 5
MAX_QUERIES: Final = 20

TRIED: Final = 4
"""Queries looked at, for each that is asked for: many that shoppers typed find nothing, or say the same."""


class Trail(NamedTuple):
    """Where shoppers went from a query or a product, and how many of them."""

    to: str
    shoppers: int


class Similar(NamedTuple):
    """A query to offer and what likens it: "typed", "clicked" or "meaning"."""

    text: str
    source: str


class Trails(Protocol):
    """What shoppers did around their searches; any thread may call it. Queries are in normal spelling."""

    def beside(self, query: str) -> Sequence[Trail]:
        """Queries that were typed just before or after it in a visit, most shoppers first."""
        ...

    def clicked(self, query: str) -> Sequence[Trail]:
        """Products that were clicked after it, most shoppers first."""
        ...

    def leading(self, product_id: str) -> Sequence[Trail]:
        """Queries after which the product was clicked, most shoppers first."""
        ...

    def offered(self, queries: Sequence[str]) -> set[str]:
        """Those of the queries that may be offered to anybody."""
        ...


class SimilarQueries:
    """Answers what queries are like one; any thread may call it."""

    def __init__(
        self,
        trails: Trails,
        near: Callable[[str, int], Sequence[str]],
        finds: Callable[[str], bool],
    ) -> None:
        """`near` tells so many queries that may be offered and mean alike, `finds` whether one finds some."""
        self._trails = trails
        self._near = near
        self._finds = finds

    def like(self, query: str, size: int = 0) -> list[Similar]:
        """Queries to offer beside this one, the likeliest first. Raises TooLarge or InvalidValue."""
        check_text(query, "query")
        normal = key(query)
        if not normal:
            raise InvalidValue("the query that others are to be like", "query")
        size = page_size(size, DEFAULT_QUERIES, MAX_QUERIES)
        said, found = {_said(normal)}, list[Similar]()
        for similar in self._candidates(normal, size * TRIED):
            if _said(similar.text) not in said and self._finds(similar.text):
                said.add(_said(similar.text))
                found.append(similar)
                if len(found) == size:
                    break
        return found

    def _candidates(self, query: str, limit: int) -> Iterator[Similar]:
        typed, clicked = _shares(self._trails.beside(query)), self._clicked(query)
        both = {text: typed.get(text, 0.0) + clicked.get(text, 0.0) for text in typed | clicked}
        offered = self._trails.offered(list(both))
        for text in sorted(offered, key=lambda text: (-both[text], text))[:limit]:
            yield Similar(text, "typed" if typed.get(text, 0.0) >= clicked.get(text, 0.0) else "clicked")
        yield from (Similar(text, "meaning") for text in self._near(query, limit))

    def _clicked(self, query: str) -> dict[str, float]:
        """The chance to come to each other query by a product that was clicked."""
        chances: defaultdict[str, float] = defaultdict(float)
        for product_id, chance in _shares(self._trails.clicked(query), least=1).items():
            for other, back in _shares(self._trails.leading(product_id)).items():
                chances[other] += chance * back
        return dict(chances)


def _shares(trails: Sequence[Trail], least: int = SHOPPERS) -> dict[str, float]:
    """The share that each trail has of all; without those that fewer shoppers went."""
    every = sum(trail.shoppers for trail in trails)
    return {trail.to: trail.shoppers / every for trail in trails if trail.shoppers >= least}


def _said(query: str) -> frozenset[str]:
    """What two queries have in common that say the same: their words, in any order, plural or not."""
    return frozenset(word.removesuffix("s") for word in words(query)) or frozenset((query,))
