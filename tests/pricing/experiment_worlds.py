"""Invented markets for experiments with prices: what sells where the true effect is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from services.pricing.domain.experiment.design import Arm, Kind, Subject, arms, matched, paired
from services.pricing.domain.experiment.effect import Pair
from services.pricing.domain.limits import DAY

WEEK: Final = (0.8, 0.8, 0.9, 1.0, 1.3, 1.5, 0.7)
"""How much of an average day each day of the week sells."""


@dataclass(frozen=True)
class World:
    """`sells` pieces a day (of a product: a week, on average), `noise` of a day beyond chance (as a deviation
    of its logarithm), `swing` of a level that comes back, `growth` a day; `elasticity` and how far products'
    lie apart.

    A switchback has `pairs` of days; a product-level experiment 2 * `pairs` products for four weeks, whose
    usual sales are known with an error of `doubt`. `moved`: the share of sales lost at one product that
    others take over.
    """

    kind: Kind = Kind.SWITCHBACK
    pairs: int = 14
    sells: float = 60.0
    noise: float = 0.1
    swing: float = 0.1
    growth: float = 0.0
    elasticity: float = -2.0
    apart: float = 0.0
    doubt: float = 0.15
    moved: float = 0.0


SWITCHBACK: Final = {
    "a category, 28 days": World(),
    "56 days": World(pairs=28),
    "12 days": World(pairs=6),
    "a slow product": World(sells=4),
    "much noise": World(noise=0.4, swing=0.3),
    "growing": World(growth=0.02),
}
PRODUCTS: Final = {
    "40 products, 4 weeks": World(Kind.PRODUCTS, pairs=20, sells=20, apart=0.6),
    "200 products": World(Kind.PRODUCTS, pairs=100, sells=20, apart=0.6),
    "slow sellers": World(Kind.PRODUCTS, pairs=50, sells=1.5, apart=0.6),
    "sales hardly known": World(Kind.PRODUCTS, pairs=50, sells=20, apart=0.6, doubt=0.6),
}
SUBSTITUTES: Final = World(Kind.PRODUCTS, pairs=50, sells=20, apart=0.6, moved=0.3)


def played(world: World, change: float, seed: int) -> tuple[list[Pair], float]:
    """Pairs in which one unit's price was changed by a share; and the true effect on all units sold."""
    random = np.random.default_rng(seed)
    return (_blocks if world.kind is Kind.SWITCHBACK else _products)(world, change, seed, random)


def _blocks(world: World, change: float, seed: int, random: np.random.Generator) -> tuple[list[Pair], float]:
    days = 2 * world.pairs
    ratio = (1 + change) ** world.elasticity
    usual = (
        world.sells * np.array([WEEK[day % 7] for day in range(days)]) * np.exp(_swing(world, days, random))
    )
    usual *= np.exp(world.growth * np.arange(days))
    neighbours, treated = paired(days, DAY), np.zeros(days, dtype=bool)
    for blocks, theirs in zip(neighbours, arms(seed, world.pairs), strict=True):
        treated[list(blocks)] = [arm is Arm.TREATMENT for arm in theirs]
    sold = _sold(usual * np.where(treated, ratio, 1.0), world.noise, random)
    made = [(sold[a], sold[b]) if treated[a] else (sold[b], sold[a]) for a, b in neighbours]
    return [Pair(*pair) for pair in made], ratio - 1


def _products(
    world: World, change: float, seed: int, random: np.random.Generator
) -> tuple[list[Pair], float]:
    count, weeks = 2 * world.pairs, 4
    mean = world.sells * random.lognormal(-0.5, 1.0, count)
    known = mean * random.lognormal(0, world.doubt, count)
    price = random.lognormal(1, 0.5, count)
    category = random.integers(0, 4, count)
    subjects = [Subject(str(n), str(category[n]), known[n], known[n] * price[n]) for n in range(count)]
    ratio = (1 + change) ** np.minimum(world.elasticity + random.normal(0, world.apart, count), 0.0)
    pairs = matched(subjects)
    treated = np.zeros(count, dtype=bool)
    for (one, other), (arm, _) in zip(pairs, arms(seed, len(pairs)), strict=True):
        treated[int((one if arm is Arm.TREATMENT else other).product_id)] = True
    usual = mean[:, None] * np.exp(
        np.stack([_swing(world, weeks, random) for _ in range(count)])
        + np.array([_swing(world, weeks, random) for _ in range(4)])[category]
    )
    asked = usual * np.where(treated, ratio, 1.0)[:, None]
    lost = np.zeros((4, weeks))
    np.add.at(lost, category, usual - asked)
    share = usual / np.stack([usual[category == one].sum(axis=0) for one in range(4)])[category]
    sold = _sold(np.maximum(asked + world.moved * lost[category] * share, 0.0), world.noise, random).sum(
        axis=1
    )
    truth = float((mean * ratio).sum() / mean.sum() - 1) * (1 - world.moved)
    return _scaled(pairs, treated, sold), truth


def _scaled(pairs: Sequence[tuple[Subject, Subject]], treated: np.ndarray, sold: np.ndarray) -> list[Pair]:
    made = []
    for one, other in pairs:
        first, second = (one, other) if treated[int(one.product_id)] else (other, one)
        a, b = (sold[int(each.product_id)] / each.units for each in (first, second))
        made.append(Pair(float(a), float(b), (one.units + other.units) ** 0.5))
    return made


def _swing(world: World, count: int, random: np.random.Generator) -> np.ndarray:
    """A level that comes back: 0.7 of it is left a day later."""
    level, made = 0.0, np.zeros(count)
    for at in range(count):
        level = made[at] = 0.7 * level + random.normal(0, 0.714 * world.swing)
    return made


def _sold(mean: np.ndarray, noise: float, random: np.random.Generator) -> np.ndarray:
    """Pieces: Poisson of a mean that varies by itself."""
    return random.poisson(mean * random.gamma(1 / noise**2, noise**2, mean.shape)).astype(np.float64)
