"""Made-up shops whose elasticities are known: different noise, price moves, levels and promotions."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from services.pricing.domain.demand.assessment import Weeks, fit_weeks
from services.pricing.domain.demand.level import Floats, Settings
from services.pricing.domain.demand.model import Demand
from services.pricing.domain.demand.substitutes import index

USUAL: Final = 3.0
"""The usual price of everything."""


@dataclass(frozen=True)
class World:
    """`moves`: "dips" of a week, "steps" that stay, or "few" steps in all.

    Deviations of logarithms: `noise` of a week, `swing` of a level that comes back (0.7 of it is left a week
    later), `walk` of one that does not, `season` of all products together. `promoted`: promotions come with
    low prices. `own`, `apart`: how far elasticities lie apart within a category and between them. `cross`:
    how demand answers to the price index of the category's other products, give or take a third; `common`:
    in which share of weeks all prices of a category dip together. `empty`: the share of weeks, four in a row,
    in which the shelf is empty."""

    moves: str = "dips"
    noise: float = 0.0
    swing: float = 0.0
    walk: float = 0.0
    season: float = 0.0
    promoted: bool = False
    products: int = 200
    weeks: int = 50
    categories: int = 8
    least: float = 3.0
    most: float = 60.0
    own: float = 0.5
    apart: float = 0.4
    cross: float = 0.0
    common: float = 0.0
    empty: float = 0.0


WORLDS: Final = {
    "dips": World(),
    "noisy dips": World(noise=0.5),
    "slow sellers": World(least=0.3, most=4.0),
    "walking level": World(walk=0.1),
    "autocorrelated level": World(swing=0.5),
    "steps": World("steps"),
    "steps, autocorrelated level": World("steps", swing=0.4),
    "steps, walking level": World("steps", walk=0.1, noise=0.3),
    "few moves": World("few"),
    "few moves, autocorrelated level": World("few", swing=0.3, noise=0.3),
    "promotions with dips": World(promoted=True, noise=0.3),
    "price moves only with promotions": World("few", promoted=True, swing=0.3, noise=0.3),
    "season": World(season=0.5, noise=0.3),
    "all alike": World(own=0.05, apart=0.0, noise=0.3),
    "14 weeks": World("steps", weeks=14, noise=0.3),
    "empty shelves": World(empty=0.2, noise=0.3),
    "empty shelves, steps": World("steps", empty=0.2, noise=0.3),
    "25 products": World("steps", products=25, categories=3, weeks=30, noise=0.3),
}


class Shop(NamedTuple):
    """What sold, true elasticities (N), the prices that were asked (N, W), true cross elasticities (N)."""

    weeks: Weeks
    elasticity: Floats
    asked: Floats
    cross: Floats
    open: Floats

    @property
    def recorded(self) -> Weeks:
        """The weeks with what the shop's records tell: what was asked, and when the shelf was empty."""
        return replace(self.weeks, open=self.open, asked=self.asked)


def shop(world: World, seed: int) -> Shop:
    """A year of a made-up shop; elasticities lie around -2, a promotion adds 0.7."""
    random = np.random.default_rng(seed)
    size = (world.products, world.weeks)
    category = random.integers(0, world.categories, world.products)
    elasticity = -2 + random.normal(0, world.apart, world.categories)[category]
    elasticity += random.normal(0, world.own, world.products)
    price = _moves(world, random)
    promoted = (random.random(size) < 0.15 * world.promoted).astype(np.float64)
    price -= promoted * random.uniform(0.09, 0.39, size)
    level = random.uniform(np.log(world.least), np.log(world.most), (world.products, 1)) + _swings(
        world, random
    )
    cross = world.cross * random.normal(1, 1 / 3, world.products) if world.cross else np.zeros(world.products)
    if world.common:
        price += -0.25 * (random.random((world.categories, world.weeks)) < world.common)[category]
    others = index(price, np.exp(level).mean(axis=1), category)
    mean = np.exp(level + elasticity[:, None] * price + cross[:, None] * others + 0.7 * promoted)
    if world.noise:
        mean *= random.gamma(1 / world.noise**2, world.noise**2, size)
    units, asked = random.poisson(mean).astype(np.float64), USUAL * np.exp(price)
    shelf = np.ones(size)
    if world.empty:
        began = random.random(size) < world.empty / 4
        shelf = 1.0 - np.stack([began[:, max(0, week - 3) : week + 1].any(1) for week in range(size[1])], 1)
        units *= shelf
    promotions = promoted[:, :, None][:, :, : int(world.promoted)]
    kept = units.sum(axis=1) >= 10
    weeks = Weeks(units[kept], (units * asked)[kept], promotions[kept], category[kept])
    return Shop(weeks, elasticity[kept], asked[kept], cross[kept], shelf[kept])


def learnt(weeks: Weeks, prices: Floats, settings: Settings | None = None) -> Demand:
    """The model of all weeks at these prices (N, W), without cross effects."""
    count = weeks.units.shape[1]
    return fit_weeks(weeks, prices, count, settings or Settings(0.8, 0.2), weeks.none())[0]


def held(demand: Demand, elasticity: Floats, deviations: float = 1.6449) -> float:
    """The share of elasticities within their intervals, of 90% unless told otherwise."""
    return float((np.abs(demand.coefficients[:, 0] - elasticity) < deviations * demand.errors[:, 0]).mean())


def _moves(world: World, random: np.random.Generator) -> Floats:
    size = (world.products, world.weeks)
    if world.moves == "dips":
        return -0.25 * (random.random(size) < 0.15)
    price = np.zeros(size)
    if world.moves == "few":
        for product in range(world.products):
            for _ in range(random.integers(0, 3)):
                price[product, random.integers(1, world.weeks) :] += random.choice([-0.2, -0.1, 0.1, 0.2])
        return price
    now = np.zeros(world.products)
    for week in range(world.weeks):
        moved = random.random(world.products) < 0.12
        now = price[:, week] = np.where(moved, random.choice([-0.3, -0.15, 0, 0.1], world.products), now)
    return price


def _swings(world: World, random: np.random.Generator) -> Floats:
    size = (world.products, world.weeks)
    level = np.cumsum(random.normal(0, world.walk, size), axis=1)
    level += world.season * np.sin(2 * np.pi * np.arange(world.weeks) / 52)
    left = np.zeros(world.products)
    for week in range(world.weeks):
        left = 0.7 * left + random.normal(0, world.swing * 0.714, world.products)
        level[:, week] += left
    return level
