"""A run of cuts until a stock is to be gone: a stochastic dynamic program over weeks, stock and price.

    V[t](s, k) = max over prices j >= k of  E[ p[j] min(D, s) + V[t + 1](s - min(D, s), j) ]
    V[T](s, k) = salvage * s                with the week's demand D of mean m[t, j]

Prices are numbered from the one in force downwards and never rise again (Gallego & van Ryzin 1994, by weeks).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from scipy import signal

from services.pricing.domain.optimiser.gains import interval
from services.pricing.domain.optimiser.sales import Floats, Ints, beyond, chances, drawn, expected_sales
from services.pricing.domain.proposal import Interval

SEASONS: Final = 2_000
"""Seasons that are played to compare plans."""


@dataclass(frozen=True, slots=True)
class Season:
    """`prices` (J) falls from the one in force; `means` (T, J) expected demand of each week at each price;
    `dispersion` its variance over its mean; `stock` in pieces; `salvage` what a piece that is left brings,
    below 0 where it costs to be rid of it.
    """

    prices: Floats
    means: Floats
    stock: int
    salvage: float = 0.0
    dispersion: float = 1.0

    @property
    def weeks(self) -> int:
        """How many."""
        return len(self.means)


class Week(NamedTuple):
    """One week of a plan, as expected before the first: the likeliest price and its chance, and what sells.

    `steps`: from how many pieces left on which price is asked, if none was cut before.
    """

    price: float
    chance: float
    sold: float
    left: float
    revenue: float
    steps: tuple[tuple[int, float], ...]


class Outcome(NamedTuple):
    """What seasons brought: revenue with what is left, and pieces left."""

    revenue: Interval
    left: Interval


class Compared(NamedTuple):
    """A plan beside the price in force and beside the best single cut (its week and price), played by chance.

    `over_keeping` and `over_single` are the differences of revenue in the same seasons.
    """

    plan: Outcome
    keeping: Outcome
    single: Outcome
    single_week: int
    single_price: float
    over_keeping: Interval
    over_single: Interval


def plan(season: Season) -> tuple[Ints, float]:
    """The best price number for (T, stock + 1, J): week, pieces left, price before; and what it brings."""
    count = len(season.prices)
    value = np.repeat(season.salvage * np.arange(season.stock + 1.0)[:, None], count, axis=1)
    best = np.zeros((season.weeks, season.stock + 1, count), np.int64)
    for week in reversed(range(season.weeks)):
        worth = np.stack([_worth(season, week, j, value[:, j]) for j in range(count)], axis=1)
        value = np.flip(np.maximum.accumulate(np.flip(worth, 1), axis=1), 1)
        for k in range(count):
            best[week, :, k] = k + np.argmax(worth[:, k:], axis=1)
    return best, float(value[season.stock, 0])


def weeks(season: Season, best: Ints) -> list[Week]:
    """What is expected of each week under a plan: the distribution of pieces and price, carried forward."""
    count, pieces = len(season.prices), np.arange(season.stock + 1)
    mass = np.zeros((season.stock + 1, count))
    mass[season.stock, 0] = 1.0
    told = []
    for week in range(season.weeks):
        asked = np.zeros_like(mass)
        for k in range(count):
            np.add.at(asked, (pieces, best[week, :, k]), mass[:, k])
        sales = np.stack(
            [expected_sales(season.means[week, j], pieces, season.dispersion) for j in range(count)], axis=1
        )
        mass = np.stack(
            [_carried(asked[:, j], season.means[week, j], season.dispersion) for j in range(count)], axis=1
        )
        chance = asked[1:].sum(axis=0)  # what is sold out asks no price
        likeliest = int(np.argmax(chance))
        told.append(
            Week(
                float(season.prices[likeliest]),
                float(chance[likeliest] / max(chance.sum(), 1e-12)),
                float((asked * sales).sum()),
                float((mass.sum(axis=1) * pieces).sum()),
                float((asked * sales * season.prices).sum()),
                _steps(season.prices, best[week, :, 0]),
            )
        )
    return told


def single_cut(season: Season) -> tuple[int, int]:
    """The week and the price number of the one cut that brings most; price 0 where none pays."""
    scored = {}
    for j in range(len(season.prices)):
        for week in range(season.weeks if j else 1):
            numbers = np.where(np.arange(season.weeks) >= week, j, 0)
            scored[week, j] = _fixed(season, numbers)
    return max(scored, key=lambda key: scored[key])


def compare(season: Season, doubtful: Floats, best: Ints, seed: int = 0) -> Compared:
    """Plays seasons whose true demand is drawn from `doubtful` (S, T, J), the same luck for each plan."""
    draw = np.random.default_rng(seed)
    truth = doubtful[draw.integers(len(doubtful), size=SEASONS)]
    luck = draw.random((SEASONS, season.weeks))
    week, price = single_cut(season)
    after = np.where(np.arange(season.weeks) >= week, price, 0)
    planned = _play(season, truth, luck, lambda t, left, k: best[t, left, k])
    kept = _play(season, truth, luck, lambda t, left, k: k)
    cut = _play(season, truth, luck, lambda t, left, k: np.full_like(k, after[t]))
    return Compared(
        _outcome(planned),
        _outcome(kept),
        _outcome(cut),
        week,
        float(season.prices[price]),
        interval(planned[0] - kept[0]),
        interval(planned[0] - cut[0]),
    )


def _worth(season: Season, week: int, j: int, after: Floats) -> Floats:
    """What asking a price for a week brings, with all that follows, by pieces left (S + 1)."""
    mean, pieces = float(season.means[week, j]), np.arange(season.stock + 1)
    later = signal.convolve(after, chances(mean, season.stock, season.dispersion))[: season.stock + 1]
    later = later + beyond(pieces, mean, season.dispersion) * after[0]
    return np.asarray(season.prices[j] * expected_sales(mean, pieces, season.dispersion) + later)


def _carried(mass: Floats, mean: float, dispersion: float) -> Floats:
    """The distribution of pieces left after a week, of pieces before it."""
    after = signal.convolve(mass[::-1], chances(mean, len(mass) - 1, dispersion))[: len(mass)][::-1].clip(
        min=0.0
    )
    after[0] += max(0.0, float(mass.sum() - after.sum()))  # demand beyond the stock
    return np.asarray(after)


def _fixed(season: Season, numbers: Ints) -> float:
    """What prices that are fixed beforehand bring."""
    value = season.salvage * np.arange(season.stock + 1.0)
    for week in reversed(range(season.weeks)):
        value = _worth(season, week, int(numbers[week]), value)
    return float(value[season.stock])


def _play(season: Season, truth: Floats, luck: Floats, ask: Any) -> tuple[Floats, Floats]:
    left, number = np.full(len(luck), season.stock), np.zeros(len(luck), np.int64)
    revenue, every = np.zeros(len(luck)), np.arange(len(luck))
    for week in range(season.weeks):
        number = ask(week, left, number)
        wanted = drawn(luck[:, week], truth[every, week, number], season.dispersion)
        sold = np.minimum(wanted, left)
        revenue += sold * season.prices[number]
        left = left - sold
    return revenue + season.salvage * left, left.astype(float)


def _outcome(played: tuple[Floats, Floats]) -> Outcome:
    return Outcome(interval(played[0]), interval(played[1]))


def _steps(prices: Floats, numbers: Sequence[int] | Ints) -> tuple[tuple[int, float], ...]:
    """From how many pieces on another price is asked."""
    found = [(1, int(numbers[1]))] if len(numbers) > 1 else []
    for pieces in range(2, len(numbers)):
        if int(numbers[pieces]) != found[-1][1]:
            found.append((pieces, int(numbers[pieces])))
    return tuple((pieces, float(prices[number])) for pieces, number in found)
