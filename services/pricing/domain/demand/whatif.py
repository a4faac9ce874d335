"""What other prices would have brought in weeks that are over.

The same shoppers come: a dearer week keeps a share of its sales, a cheaper one has all of them and more,

    units(p') = units(p) * (p' / p) ** elasticity

so that where a price stays nothing changes. Doubt is drawn: of each elasticity, a part of it shared by the
products of a category, and of chance, that of a thinned or thickened Poisson process times the dispersion.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from services.pricing.domain.demand.level import Floats
from services.pricing.domain.demand.response import Response

DRAWS: Final = 400
LOW, HIGH = 0.05, 0.95
BEYOND: Final = 0.2
"""An elasticity is believed so far beyond the prices that were seen: then a lower price sells no more, and
demand for a higher one falls by -1 at least."""


class History(NamedTuple):
    """Pieces sold and mean prices of N products in W weeks (N, W); `end` is the moment after the last."""

    product_ids: Sequence[str]
    units: Floats
    prices: Floats
    end: int


class Replayed(NamedTuple):
    """A product's weeks: pieces, prices asked and tried (W), the lowest and highest price seen, its cost."""

    response: Response
    category: str
    units: Floats
    asked: Floats
    tried: Floats
    seen: tuple[float, float]
    cost: float | None


class Figure(NamedTuple):
    """What a figure was, what it would have been, and the 90% interval of that."""

    actual: float
    simulated: float
    low: float
    high: float


class Outcome(NamedTuple):
    """What a category's products ("" for all) brought and would have; margin None where no cost is known,
    `weeks` the revenue of each week.
    """

    category: str
    products: int
    changed: int
    uncosted: int
    units: Figure
    revenue: Figure
    margin: Figure | None
    weeks: Sequence[Figure] = ()


class _Sums:
    """Adds products up: counts, what was, and what would have been by draw."""

    def __init__(self) -> None:
        self.products = self.changed = self.uncosted = 0
        self.actual, self.draws = np.zeros(3), np.zeros((3, DRAWS))
        self.weeks: tuple[Floats, Floats] | None = None

    def add(self, one: Replayed, drawn: Floats) -> None:
        """Takes a product's units by week and draw (W, S) in."""
        self.products += 1
        self.changed += bool(np.any(one.asked != one.tried))
        was, would = _earned(one, one.units, one.asked), _earned(one, drawn, one.tried)
        self.uncosted += one.cost is None
        for at, (before, after) in enumerate(zip(was, would, strict=True)):
            self.actual[at] += before
            self.draws[at] += after
        weekly = one.units * one.asked, drawn * one.tried[:, None]
        known = self.weeks or (np.zeros_like(weekly[0]), np.zeros_like(weekly[1]))
        self.weeks = known[0] + weekly[0], known[1] + weekly[1]

    def outcome(self, category: str) -> Outcome:
        """The figures."""
        made = _figures(self.actual, self.draws)
        margin = made[2] if self.uncosted < self.products else None
        weeks = _figures(*self.weeks) if self.weeks else []
        return Outcome(category, self.products, self.changed, self.uncosted, made[0], made[1], margin, weeks)


def _figures(actual: Floats, draws: Floats) -> list[Figure]:
    """Of figures (N) and what they would have been by draw (N, S)."""
    low, high = np.quantile(draws, (LOW, HIGH), axis=1)
    return [Figure(*map(float, one)) for one in zip(actual, draws.mean(axis=1), low, high, strict=True)]


def replay(products: Iterable[Replayed], seed: int = 0) -> tuple[Outcome, list[Outcome]]:
    """All products together, and each category, most revenue first. The same seed gives the same."""
    random = np.random.default_rng(seed)
    shared: dict[str, Floats] = {}
    total, categories = _Sums(), dict[str, _Sums]()
    for one in products:
        common = shared.setdefault(one.response.category, random.standard_normal(DRAWS))
        drawn = _drawn(one, common, random)
        total.add(one, drawn)
        categories.setdefault(one.category, _Sums()).add(one, drawn)
    told = [sums.outcome(category) for category, sums in categories.items()]
    return total.outcome(""), sorted(told, key=lambda one: (-one.revenue.actual, one.category))


def _drawn(one: Replayed, common: Floats, random: np.random.Generator) -> Floats:
    """Units by week and draw (W, S)."""
    units = one.units[:, None]
    if np.array_equal(one.asked, one.tried):
        return np.broadcast_to(units, (len(one.units), DRAWS))
    known = one.response
    own = np.sqrt(max(known.elasticity_error**2 - known.shared_error**2, 0.0))
    elasticity = known.elasticity + known.shared_error * common + own * random.standard_normal(DRAWS)
    ratio = np.exp(_log_effect(one, one.tried, elasticity) - _log_effect(one, one.asked, elasticity))
    chance = known.dispersion * units * np.where(ratio < 1, ratio * (1 - ratio), ratio - 1)
    return np.maximum(units * ratio + np.sqrt(chance) * random.standard_normal(ratio.shape), 0.0)


def _log_effect(one: Replayed, price: Floats, elasticity: Floats) -> Floats:
    """The logarithm of demand (W, S), but for a constant."""
    low, high = one.seen[0] * (1 - BEYOND), one.seen[1] * (1 + BEYOND)
    down = np.minimum(elasticity, 0.0)
    inside = np.log(np.clip(price, low, high))[:, None] * down
    return np.asarray(inside + np.log(np.maximum(price / high, 1.0))[:, None] * np.minimum(down, -1.0))


def _earned(one: Replayed, units: Floats, prices: Floats) -> tuple[Floats, Floats, Floats]:
    """Pieces, revenue and margin of all weeks, of units (W) or (W, S)."""
    pieces, revenue = units.sum(axis=0), np.tensordot(prices, units, axes=(0, 0))
    margin = revenue - pieces * one.cost if one.cost is not None else np.zeros_like(revenue)
    return pieces, revenue, margin
