"""Weekly demand: a smoothed level, times price to the power of an elasticity, times what promotion adds.

    units[i, w] ~ level[i, w] * exp(x[i, w] . coefficients[i])        x = log(price / usual price), promotions

Coefficients are fitted by quasi-Poisson regression around the level, each product's shrunk to its category's
and each category's to the shop's (empirical Bayes, Efron & Morris 1975): a price that never moved leaves the
category's. The level is the ratio of decayed sums of units and of what x explains, so that a promoted week
does not raise the weeks after it.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

ROUNDS: Final = 15
NEWTON_STEPS: Final = 3
MOVED: Final = 0.01
"""A log price whose highest and lowest are no further apart has not moved."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`decay`: the weight of a week against the one after it. `steady`: weeks of its mean that
    a level starts with."""

    decay: float = 0.7
    steady: float = 1.0


@dataclass(frozen=True, slots=True)
class Demand:
    """What was learnt of N products. `coefficients` and `errors` (N, F), F[0] the elasticity; `level` (N).

    The errors are too small so far: on made-up shops 95% intervals hold about 55 to 65% of the truth.
    `prior_only` (N): the price never moved, so the elasticity is its category's. `dispersion` (N): the
    variance of a week's units as a multiple of their mean.
    """

    coefficients: Floats
    errors: Floats
    level: Floats
    dispersion: Floats
    prior_only: np.ndarray[Any, np.dtype[np.bool_]]

    def expect(self, features: Floats) -> Floats:
        """Units of the coming week (N) at planned features (N, F)."""
        return np.asarray(self.level * _effect(features, self.coefficients))


def fit(units: Floats, features: Floats, known: Floats, category: Ints, settings: Settings) -> Demand:
    """Learns from weeks, oldest first.

    `units` (N, W) sold; `features` (N, W, F); `known` (N, W) is 1 for weeks that tell of demand, 0 for those
    out of stock or not listed; `category` (N) numbers from 0.
    """
    products, _, count = features.shape
    mean, variance = np.zeros((products, count)), np.ones(count)
    mean[:, 0] = -1.5
    found, dispersion = mean.copy(), np.ones(products)
    for _ in range(ROUNDS):
        around = _level_around(units, _effect(features, found), known, settings)
        found, hessian = _regress(units, features, known, around, mean, dispersion[:, None] / variance, found)
        expected = np.maximum(around * _effect(features, found), 1e-9)
        dispersion = _dispersion(units, expected, known)
        data = np.maximum(np.diagonal(hessian, axis1=1, axis2=2), 0) / dispersion[:, None]
        mean, variance = _shrunk(found, mean, variance, data, category)
    precision = hessian + np.eye(count) * (dispersion[:, None] / variance)[:, None, :]
    spread = np.diagonal(np.linalg.inv(precision), axis1=1, axis2=2) * dispersion[:, None]
    price = features[:, :, 0]
    high, low = np.where(known > 0, price, -np.inf), np.where(known > 0, price, np.inf)
    moved = high.max(axis=1) - low.min(axis=1) > MOVED
    effect = _effect(features, found)
    return Demand(found, np.sqrt(spread), _level_last(units, effect, known, settings), dispersion, ~moved)


def _effect(features: Floats, coefficients: Floats) -> Floats:
    weights = coefficients if features.ndim == 2 else coefficients[:, None, :]
    return np.asarray(np.exp(np.clip((features * weights).sum(axis=-1), -4, 4)))


def _sums(units: Floats, effect: Floats, known: Floats, settings: Settings) -> tuple[Floats, Floats]:
    """Decayed sums of units and effects up to each week, its own included, without the start (N, W)."""
    sold, meant = np.zeros_like(units), np.zeros_like(units)
    s = m = np.zeros(len(units))
    for week in range(units.shape[1]):
        s = s * settings.decay + units[:, week] * known[:, week]
        m = m * settings.decay + effect[:, week] * known[:, week]
        sold[:, week], meant[:, week] = s, m
    return sold, meant


def _usual(units: Floats, effect: Floats, known: Floats) -> Floats:
    return np.asarray((units * known).sum(axis=1) / np.maximum((effect * known).sum(axis=1), 1e-9))


def _level_last(units: Floats, effect: Floats, known: Floats, settings: Settings) -> Floats:
    sold, meant = _sums(units, effect, known, settings)
    start = _usual(units, effect, known) * settings.steady
    return np.asarray((sold[:, -1] + start) / (meant[:, -1] + settings.steady))


def _level_around(units: Floats, effect: Floats, known: Floats, settings: Settings) -> Floats:
    """The level of each week from the weeks before and after it, without its own (N, W)."""
    sold, meant = _sums(units, effect, known, settings)
    later, meant_later = _sums(units[:, ::-1], effect[:, ::-1], known[:, ::-1], settings)
    around = sold + later[:, ::-1] - 2 * units * known
    weight = meant + meant_later[:, ::-1] - 2 * effect * known
    start = _usual(units, effect, known)[:, None] * settings.steady
    return np.asarray((around + start) / (weight + settings.steady))


def _regress(
    units: Floats,
    features: Floats,
    known: Floats,
    level: Floats,
    mean: Floats,
    penalty: Floats,
    start: Floats,
) -> tuple[Floats, Floats]:
    """Penalised Poisson regressions side by side: coefficients (N, F), and the data's curvature (N, F, F).

    `penalty` (N, F) is the dispersion over the prior's variance: dividing both by the dispersion weighs the
    data as much as they are worth.
    """
    found, ridge = start, np.eye(features.shape[2]) * penalty[:, None, :]
    for step in range(NEWTON_STEPS + 1):
        expected = level * _effect(features, found) * known
        hessian = np.einsum("nwf,nw,nwg->nfg", features, expected, features)
        if step == NEWTON_STEPS:
            break
        pull = np.einsum("nwf,nw->nf", features, units * known - expected) - (found - mean) * penalty
        change = np.linalg.solve(hessian + ridge, pull[..., None])[..., 0]
        found = found + np.clip(change, -1, 1)
    return found, hessian


def _dispersion(units: Floats, expected: Floats, known: Floats) -> Floats:
    """Pearson's, by product, held by ten weeks of the shop's median."""
    squares = ((units - expected) ** 2 / np.maximum(expected, 0.05) * known).sum(axis=1)
    weeks = known.sum(axis=1)
    shop = float(np.median(squares / np.maximum(weeks, 1)))
    return np.asarray(np.maximum((squares + 10 * shop) / (weeks + 10), 1.0))


def _shrunk(
    found: Floats, mean: Floats, variance: Floats, data: Floats, category: Ints
) -> tuple[Floats, Floats]:
    """The categories' mean (N, F) and the variance (F) of products within them: one step of EM."""
    posterior = 1 / (data + 1 / variance)
    weight = data * posterior  # what a product's own data tell
    told = found - (1 - weight) * mean  # weight times the estimate before it was shrunk
    shop = told.sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-9)
    total, weights = np.zeros((2, category.max() + 1, found.shape[1]))
    np.add.at(total, category, told)
    np.add.at(weights, category, weight)
    held = 3.0  # a category begins with the weight of three products of the shop's mean
    own = ((total + held * shop) / (weights + held))[category]
    apart = ((found - own) ** 2 + posterior).mean(axis=0)
    return own, np.clip(apart, 0.01, 2.0)
