"""What a shop asks of an answer beyond relevance: boosts, caps, diversity, coverage, and what must be in it.

A candidate's relevance is its score over the best one's, so that 1.0 is the best, plus the strengths of the
boosts that name it. What is out of stock stands behind all that is not, whatever is boosted.
"""

from collections import Counter
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.catalogue import Catalogue
from services.recsys.domain.errors import MissingError, RequestError, TooManyError
from services.recsys.domain.filters import EVERYTHING, Filter

OUT_OF_STOCK, TIRED = -1000.0, -100.0
"""Added to what cannot be bought now, and to what was shown too often, so that it stands behind the rest."""

MAX_RULES = 20
"""The most boosts, and the most caps, of one request."""

MAX_INCLUDED = 50

SAME_CATEGORY, SAME_SHELF, SAME_BRAND = 0.5, 0.25, 0.25
"""How alike two products are that share main category, shelf or brand; all three make 1."""

Rows = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Boost:
    """Raises (strength above 0) or buries (below 0) the named products and those that a filter lets through.

    Strength 1 lifts the least relevant above the most relevant that is not boosted, -1 the other way round.
    """

    strength: float
    product_ids: tuple[str, ...] = ()
    wanted: Filter = EVERYTHING

    def __post_init__(self) -> None:
        """Raises RequestError for a strength outside [-1, 1], and MissingError for a boost of nothing."""
        if not -1.0 <= self.strength <= 1.0:
            raise RequestError("a boost's strength lies between -1 and 1", "adjustments.boosts.strength")
        if not self.product_ids and self.wanted == EVERYTHING:
            raise MissingError("a boost names products or has a filter", "adjustments.boosts")


class CapKey(Enum):
    """What a cap counts."""

    BRAND = "brand"
    CATEGORY = "main category"


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `most` products of one brand, or of one main category; those without one are not counted."""

    key: CapKey
    most: int

    def __post_init__(self) -> None:
        """Raises RequestError for a cap below 1."""
        if self.most < 1:
            raise RequestError("a cap is at least 1", "adjustments.caps.most")


@dataclass(frozen=True, slots=True)
class Adjustments:
    """A request's wishes. `diversity` 0 orders by relevance alone, 1 by being unlike what stands before.

    `coverage` 1 gives each main category its share of the places, by the relevance that its candidates have.
    `include` are in the answer if the filter lets them through, wherever their relevance puts them.
    """

    boosts: tuple[Boost, ...] = ()
    caps: tuple[Cap, ...] = ()
    diversity: float = 0.0
    coverage: float = 0.0
    include: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises TooManyError, or RequestError for a diversity or a coverage outside [0, 1]."""
        for field in ("boosts", "caps"):
            if len(getattr(self, field)) > MAX_RULES:
                raise TooManyError(f"a request takes {MAX_RULES} {field}", f"adjustments.{field}")
        if len(self.include) > MAX_INCLUDED:
            raise TooManyError(f"{MAX_INCLUDED} products are included", "adjustments.include_product_ids")
        for field in ("diversity", "coverage"):
            if not 0.0 <= getattr(self, field) <= 1.0:
                raise RequestError(f"{field} lies between 0 and 1", f"adjustments.{field}")


AS_IT_IS = Adjustments()


def rerank(
    catalogue: Catalogue,
    rows: Rows,
    scores: Values,
    tired: Rows,
    wishes: Adjustments,
    count: int,
    spare: int = 0,
) -> tuple[Rows, Values]:
    """The best `count` of the distinct rows, `spare` more behind them, and each one's value, never rising.

    Diversity is maximal marginal relevance (Carbonell and Goldstein 1998): each place goes to the greatest
    (1 - diversity) x relevance - diversity x likeness to the most alike product above it. With coverage c, it
    is (1 - c) x that + c x the quotient by which Sainte-Lague would give the place to the product's category
    (after PM-2, Dang and Croft 2012): its votes, the greatest 1, over 2 x the places that it has + 1.
    """
    behind = np.where(catalogue.in_stock(rows), 0.0, OUT_OF_STOCK) + TIRED * np.isin(rows, tired)
    if wishes == AS_IT_IS or not len(rows):
        values = scores + behind
        places = np.argsort(-values, kind="stable")[: count + spare]
        return rows[places], values[places]
    relevance = scores / max(float(scores.max()), 1e-12)
    for boost in wishes.boosts:
        relevance = relevance + boost.strength * _meant(catalogue, rows, boost)
    greedy = _Greedy(catalogue, rows, relevance, behind, wishes)
    while len(greedy.places) < count + spare and greedy.take(count - len(greedy.places)):
        pass
    return rows[greedy.places], np.array(greedy.reached)


class _Greedy:
    """Fills the places of an answer one by one."""

    def __init__(
        self, catalogue: Catalogue, rows: Rows, relevance: Values, behind: Values, wishes: Adjustments
    ) -> None:
        self.places: list[int] = []
        self.reached: list[float] = []
        self._coverage, self._diversity = wishes.coverage, (1 - wishes.coverage) * wishes.diversity
        self._values = (1 - wishes.coverage) * (1 - wishes.diversity) * relevance + behind
        self._category = catalogue.main_categories()[rows]
        votes = np.bincount(self._category, np.maximum(relevance, 0.0))
        self._votes = votes / max(float(votes.max()), 1e-12)
        self._taken = np.zeros(len(votes))
        self._must = np.isin(rows, catalogue.rows(wishes.include))
        self._musts = int(self._must.sum())
        self._caps = [(_codes(catalogue, cap.key)[rows], cap.most) for cap in wishes.caps]
        self._counts = [Counter[int]() for _ in wishes.caps]
        self._kinds = (
            (self._category, SAME_CATEGORY),
            (catalogue.shelves(rows), SAME_SHELF),
            (catalogue.brands()[rows], SAME_BRAND),
        )
        self._near = np.zeros(len(rows))

    def take(self, left: int) -> bool:
        """Gives the next place of the `left` that the answer has; False when nothing may take it."""
        quotients = self._votes / (2 * self._taken + 1)
        open_ = self._values - self._diversity * self._near + self._coverage * quotients[self._category]
        if 0 < left <= self._musts:
            open_ = np.where(self._must, open_, -np.inf)
        at = int(np.argmax(open_))
        if open_[at] == -np.inf:
            return False
        self.places.append(at)
        self.reached.append(float(open_[at]))
        self._musts -= int(self._must[at])
        self._values[at] = -np.inf
        self._taken[self._category[at]] += 1
        self._close(at)
        if self._diversity:
            self._near = np.maximum(self._near, self._likeness(at))
        return True

    def _close(self, at: int) -> None:
        """Shuts out what a cap allows no more of; what must be in the answer stays."""
        for (codes, most), counts in zip(self._caps, self._counts, strict=True):
            code = int(codes[at])
            counts[code] += 1
            if code and counts[code] >= most:
                self._values[(codes == code) & ~self._must] = -np.inf

    def _likeness(self, at: int) -> Values:
        """How alike each candidate is to one of them, in [0, 1]."""
        alike = np.zeros(len(self._near))
        for codes, worth in self._kinds:
            if codes[at]:
                alike += worth * (codes == codes[at])
        return alike


def _meant(catalogue: Catalogue, rows: Rows, boost: Boost) -> NDArray[np.bool_]:
    """Which rows a boost is about."""
    named = np.isin(rows, catalogue.rows(boost.product_ids))
    return named if boost.wanted == EVERYTHING else named | catalogue.allowed(boost.wanted)[rows]


def _codes(catalogue: Catalogue, key: CapKey) -> NDArray[np.int32]:
    return catalogue.brands() if key is CapKey.BRAND else catalogue.main_categories()
