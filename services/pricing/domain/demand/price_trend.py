"""What a price will likely be in the coming weeks, from the weeks before.

    log price in h weeks = now + (1 - stay^h) * (usual - now) + slope * (damping + ... + damping^h)

`usual` is the median of the last weeks, `slope` their decayed mean change: a reduction ends, a price that
climbs goes on for a while. "Stays the same" is stay 1 and slope 0; another rule has to beat it on earlier
weeks. The interval is as wide as that rule erred then, in multiples of what each price moves as a rule.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from services.pricing.domain.demand.level import Floats

AHEAD: Final = 4
"""Weeks ahead that are told."""

WINDOW: Final = 8
LEAST_WEEKS: Final = 2 * WINDOW
MOST_ORIGINS: Final = 12
FADING: Final = 0.7
BETTER: Final = 0.98
"""A rule has to have this share of the error of "stays the same", or less."""

COVER: Final = 0.9
STILL: Final = 0.005
"""A log price that moves less a week than this is taken to move so much."""


class Rule(NamedTuple):
    """How much of the way from the usual price is left a week later, and how a slope dies down."""

    stay: float = 1.0
    damping: float = 0.0


STAYS: Final = Rule()
RULES: Final = (STAYS, *(Rule(stay, damping) for stay in (1.0, 0.8, 0.5, 0.2) for damping in (0.0, 0.5, 0.9)))


class Trend(NamedTuple):
    """The rule, its mean error on earlier weeks beside that of "stays the same", and half the width of the
    90% interval by weeks ahead (H), in multiples of a product's usual move."""

    rule: Rule
    error: float
    stays: float
    width: Floats


class Outlook(NamedTuple):
    """Prices of N products in H weeks (N, H), and the ends of their 90% intervals."""

    price: Floats
    low: Floats
    high: Floats

    def told(self, at: int) -> list[list[float]]:
        """Price and interval of one product, week by week, to a hundredth of a cent."""
        return [[round(float(one[at, week]), 4) for one in self] for week in range(self.price.shape[1])]


def forecast(prices: Floats, rule: Rule) -> Floats:
    """Log prices of N products in 1 to H weeks (N, H), from prices so far (N, W)."""
    log = np.log(prices)
    now, ahead = log[:, -1:], np.arange(1, AHEAD + 1)
    usual = np.median(log[:, -WINDOW:], axis=1, keepdims=True)
    moves = np.diff(log[:, -WINDOW:], axis=1)
    fading = FADING ** np.arange(moves.shape[1])[::-1]
    slope = (moves @ fading / fading.sum())[:, None]
    return np.asarray(now + (1 - rule.stay**ahead) * (usual - now) + slope * np.cumsum(rule.damping**ahead))


def usual_move(prices: Floats) -> Floats:
    """How far a log price moves in a week as a rule (N, 1): the mean, of all weeks so far."""
    moved = np.abs(np.diff(np.log(prices), axis=1)).mean(axis=1, keepdims=True)
    return np.asarray(np.maximum(moved, STILL))


def errors(prices: Floats, origins: Sequence[int], rule: Rule) -> tuple[Floats, Floats]:
    """Forecasts' errors (N, T, H) made in the weeks before each origin (a column), and the usual moves then
    (N, T, 1)."""
    told = [np.log(prices[:, at : at + AHEAD]) - forecast(prices[:, :at], rule) for at in origins]
    return np.stack(told, axis=1), np.stack([usual_move(prices[:, :at]) for at in origins], axis=1)


def learn(prices: Floats, origins: Sequence[int]) -> Trend:
    """The rule that erred least on earlier weeks; "stays the same" where none is clearly better."""
    erred = [float(np.abs(errors(prices, origins, rule)[0]).mean()) for rule in RULES]
    best = int(np.argmin(erred))
    at = best if erred[best] <= BETTER * erred[0] else 0
    apart, moves = errors(prices, origins, RULES[at])
    width = np.quantile(np.abs(apart) / moves, COVER, axis=(0, 1))
    return Trend(RULES[at], erred[at], erred[0], np.maximum.accumulate(width))


def learnt_from(weeks: int) -> range | None:
    """The origins to learn from, of so many weeks; None where they are too few."""
    first = max(LEAST_WEEKS, weeks - AHEAD - MOST_ORIGINS)
    return range(first, weeks - AHEAD + 1) if weeks >= LEAST_WEEKS + AHEAD else None


def outlook(prices: Floats, trend: Trend) -> Outlook:
    """What N prices will likely be, from the weeks so far (N, W)."""
    log, half = forecast(prices, trend.rule), trend.width * usual_move(prices)
    return Outlook(np.exp(log), np.exp(log - half), np.exp(log + half))
