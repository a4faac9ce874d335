"""What became of searches: which were clicked, which were typed anew, and which led to the same products.

A click belongs to the last search of the same shopper within CLICK_SECONDS. A search without one, followed
within AGAIN_SECONDS by another with one, was typed anew: its words may be synonyms of the other's.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import sqrt
from typing import Final, NamedTuple

from services.search.domain.history import SHOPPERS, kept

CLICK_SECONDS: Final = 1_800.0
AGAIN_SECONDS: Final = 300.0
LEAST_SIMILARITY: Final = 0.3
"""The cosine of two queries' clicks from which they are told as similar."""

MOST_SIMILAR: Final = 5
SHARE: Final = 0.2
"""Of the shoppers who typed a query, those who must have typed one other instead for it to be a synonym."""


class Figures(NamedTuple):
    """One query: its searches, by how many shoppers, and how many of the searches were clicked."""

    query: str
    searches: int
    shoppers: int
    clicked: int

    @property
    def click_rate(self) -> float:
        """The share of searches that were clicked."""
        return self.clicked / self.searches


class Anew(NamedTuple):
    """A query without a click, the one typed instead that had one, and by how many shoppers."""

    query: str
    instead: str
    shoppers: int


@dataclass(slots=True)
class _Search:
    query: str
    time: float
    clicked: bool = False
    before: "_Search | None" = None


@dataclass
class Journeys:
    """Takes what shoppers did, in the order of time, and tells what became of their searches.

    Queries that fewer than SHOPPERS shoppers typed are never told, nor any that may name a person.
    """

    _last: dict[str, _Search] = field(default_factory=dict)
    _searches: Counter[str] = field(default_factory=Counter)
    _clicked: Counter[str] = field(default_factory=Counter)
    _shoppers: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _anew: defaultdict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    _clicks: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def searched(self, shopper: str, query: str, time: float) -> None:
        """A search; `time` in seconds."""
        normal = kept(query)
        if not normal:
            self._last.pop(shopper, None)
            return
        before = self._last.get(shopper)
        if before and (before.query == normal or time - before.time > AGAIN_SECONDS or before.clicked):
            before = None
        self._last[shopper] = _Search(normal, time, before=before)
        self._searches[normal] += 1
        self._shoppers[normal].add(shopper)

    def clicked(self, shopper: str, product_id: str, time: float) -> None:
        """A click on a product, or its page, or its way into the cart."""
        last = self._last.get(shopper)
        if last is None or time - last.time > CLICK_SECONDS:
            return
        self._clicks[last.query][product_id] += 1
        if not last.clicked:
            last.clicked = True
            self._clicked[last.query] += 1
            if last.before:
                self._anew[last.before.query, last.query].add(shopper)

    def queries(self) -> list[Figures]:
        """Every query that may be told, most searched first."""
        told = [
            Figures(query, searches, len(self._shoppers[query]), self._clicked[query])
            for query, searches in self._searches.items()
            if len(self._shoppers[query]) >= SHOPPERS
        ]
        return sorted(told, key=lambda figures: (-figures.searches, figures.query))

    def anew(self) -> list[Anew]:
        """What was typed anew, by most shoppers first."""
        told = [Anew(*pair, len(who)) for pair, who in self._anew.items() if len(who) >= SHOPPERS]
        return sorted(told, key=lambda pair: (-pair.shoppers, pair.query, pair.instead))

    def synonyms(self, least: int) -> list[Anew]:
        """Of what was typed anew that which may count as the same without asking the merchant.

        At least so many shoppers did it, and SHARE of all who typed the query: a habit, not a change of mind.
        """
        return [
            pair
            for pair in self.anew()
            if pair.shoppers >= max(least, SHARE * len(self._shoppers[pair.query]))
        ]

    def similar(self) -> dict[str, list[tuple[str, float]]]:
        """For each query those whose clicks went to the same products, with the cosine, most alike first."""
        told = {figures.query for figures in self.queries() if figures.clicked}
        lengths = {query: sqrt(sum(n * n for n in self._clicks[query].values())) for query in told}
        shared: Counter[tuple[str, str]] = Counter()
        for one, other, product in self._pairs(told):
            shared[one, other] += self._clicks[one][product] * self._clicks[other][product]
        found: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
        for (one, other), product_sum in shared.items():
            cosine = product_sum / (lengths[one] * lengths[other])
            if cosine >= LEAST_SIMILARITY:
                found[one].append((other, cosine))
        return {
            query: sorted(others, key=lambda other: (-other[1], other[0]))[:MOST_SIMILAR]
            for query, others in sorted(found.items())
        }

    def _pairs(self, told: set[str]) -> Iterator[tuple[str, str, str]]:
        """Ordered pairs of queries with a product that both were clicked for."""
        by_product: defaultdict[str, list[str]] = defaultdict(list)
        for query in sorted(told):
            for product in self._clicks[query]:
                by_product[product].append(query)
        for product, queries in by_product.items():
            yield from ((one, other, product) for one in queries for other in queries if one != other)
