"""Weekly demand: a smoothed level, times price to the power of an elasticity, times what promotion adds.

    units[i, w] ~ level[i, w] * exp(x[i, w] . coefficients[i])        x = log(price / usual price), promotions

Each product's coefficients maximise a quasi-likelihood along with its level (level.py), weeks counting by
their variance (noise.py); then they are shrunk to its category's and the shop's (shrinkage.py): a price that
never moved leaves the category's. Standard errors hold what the level hides, that weeks go together, and the
doubt about category and spread.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from services.pricing.domain.demand import level
from services.pricing.domain.demand.level import Floats, Settings
from services.pricing.domain.demand.noise import LEAST, Noise, inflation, noise_of
from services.pricing.domain.demand.shrinkage import Ints, shrink

__all__ = ["Demand", "Floats", "Ints", "Settings", "fit"]

ROUNDS: Final = 12
NEWTON_STEPS: Final = 2
FIRST_GUESS: Final = -1.5
LOOSE: Final = 1.0
"""The least variance of the prior that elasticities are fitted with: a tighter one pulls the estimates that
the spread between products is then learnt from, and finds it too small."""
NOTHING: Final = 1e-9
LEAST_OPEN: Final = 0.5
"""A week in which it was for sale for a smaller share tells nothing: what was left sold out."""
MOVED: Final = 0.01
"""A log price whose highest and lowest are no further apart has not moved."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What was learnt of N products. `coefficients` and `errors` (N, F), F[0] the elasticity; `level` (N).

    `shared` (N, F) is the part of the errors that the products of a category have in common.

    `prior_only` (N): the price never moved, so the elasticity is its category's. `dispersion` (N): the
    variance of a week's units as a multiple of their mean.
    """

    coefficients: Floats
    errors: Floats
    shared: Floats
    level: Floats
    dispersion: Floats
    prior_only: np.ndarray[Any, np.dtype[np.bool_]]

    def expect(self, features: Floats) -> Floats:
        """Units of the coming week (N) at planned features (N, F)."""
        return np.asarray(self.level * _effect(features, self.coefficients))


class _History(NamedTuple):
    """What is learnt from: units, features, known weeks, the share of each that it was for sale, settings."""

    units: Floats
    features: Floats
    known: Floats
    open: Floats
    settings: Settings

    def effect(self, coefficients: Floats) -> Floats:
        """What features and a shelf that was empty for a part of the week multiply the level by (N, W)."""
        return _effect(self.features, coefficients) * self.open


class _Data(NamedTuple):
    """What the weeks tell around some coefficients.

    The curvature `told` (N, F, F), and told @ the best ones, `pulled` (N, F); the features apart from their
    level (N, W, F); effect, expected units and the variance's multiple of each week (N, W).
    """

    told: Floats
    pulled: Floats
    apart: Floats
    effect: Floats
    expected: Floats
    multiple: Floats


def fit(units: Floats, features: Floats, known: Floats, category: Ints, settings: Settings) -> Demand:
    """Learns from weeks, oldest first.

    `units` (N, W) sold; `features` (N, W, F); `known` (N, W) is the share of each week in which it could be
    sold, 0 before it was listed: a week below LEAST_OPEN tells nothing; `category` (N) numbers from 0.
    """
    shown, known = np.maximum(known, LEAST_OPEN), (known >= LEAST_OPEN).astype(np.float64)
    history = _History(units, features, known, shown, settings)
    products, _, count = features.shape
    mean, variance = np.zeros((products, count)), np.ones(count)
    mean[:, 0] = FIRST_GUESS
    found, inflated, noise = mean.copy(), np.ones(products), Noise(np.ones(products), 0.5)
    shrunk, (errors, shared) = mean.copy(), np.ones((2, products, count))
    for _ in range(ROUNDS):
        for _ in range(NEWTON_STEPS):
            data = _data(history, noise, found)
            change = _posterior(data, inflated, mean, variance)[0] - found
            found = found + np.clip(change, -1, 1)
        data = _data(history, noise, found)
        noise, inflated = _noise(history, data, found, inflated, variance)
        estimates, doubts = _alone(data, inflated, mean, variance)
        for at in range(count):
            one = shrink(estimates[:, at], doubts[:, at], category)
            mean[:, at], variance[at] = one.mean, max(one.own, LOOSE if at == 0 else 0.0)
            shrunk[:, at], errors[:, at] = one.estimate, np.sqrt(one.variance)
            shared[:, at] = np.sqrt(one.shared)
    effect = history.effect(shrunk)
    now = level.last(units, effect, _worth(noise, effect, known), settings)
    return Demand(shrunk, errors, shared, now, noise.dispersion, ~_moved(features[:, :, 0], known))


def _effect(features: Floats, coefficients: Floats) -> Floats:
    weights = coefficients if features.ndim == 2 else coefficients[:, None, :]
    return np.asarray(np.exp(np.clip((features * weights).sum(axis=-1), -4, 4)))


def _moved(price: Floats, known: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
    high, low = np.where(known > 0, price, -np.inf), np.where(known > 0, price, np.inf)
    return np.asarray(high.max(axis=1) - low.min(axis=1) > MOVED)


def _worth(noise: Noise, effect: Floats, known: Floats) -> Floats:
    """What each week's units are worth to the level, 1 on average (N, W)."""
    worth = known / noise.multiple(effect, known)
    mean = worth.sum(axis=1, keepdims=True) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    return np.asarray(worth / np.maximum(mean, 1e-9))


def _data(history: _History, noise: Noise, found: Floats) -> _Data:
    """The quasi-likelihood as a parabola around coefficients (N, F)."""
    units, features, known, _, settings = history
    effect = history.effect(found)
    worth, multiple = _worth(noise, effect, known), noise.multiple(effect, known)
    expected = np.maximum(level.around(units, effect, worth, settings) * effect, 1e-9) * known
    apart = level.apart(features, effect, worth, settings)
    told = np.einsum("nwf,nw,nwg->nfg", apart, expected / multiple, apart)
    pull = np.einsum("nwf,nw->nf", apart, (units * known - expected) / multiple)
    return _Data(told, pull + (told @ found[..., None])[..., 0], apart, effect, expected, multiple)


def _posterior(data: _Data, inflated: Floats, mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """The coefficients (N, F) and their covariance (N, F, F) under a prior: `mean` (N, F), `variance` (F)."""
    told, pulled = data.told / inflated[:, None, None], data.pulled / inflated[:, None]
    covariance = np.linalg.inv(told + np.eye(len(variance)) / variance)
    return np.asarray((covariance @ (pulled + mean / variance)[..., None])[..., 0]), np.asarray(covariance)


def _noise(
    history: _History, data: _Data, found: Floats, inflated: Floats, variance: Floats
) -> tuple[Noise, Floats]:
    """The noise around what is expected, and the inflation of the elasticities' variances (N)."""
    known, expected = history.known, data.expected
    hat = np.einsum(
        "nwf,nfg,nwg->nw", data.apart, _posterior(data, inflated, found, variance)[1], data.apart
    ) * (expected / data.multiple / inflated[:, None])
    # a week that the coefficients follow hides its own error (MacKinnon & White 1985, HC2)
    errors = (history.units * known - expected) / np.sqrt(1 - np.clip(hat, 0, 0.8))
    noise = noise_of(errors, expected, data.effect, known)
    multiple = noise.multiple(data.effect, known)
    scaled = np.clip(errors / np.sqrt(np.maximum(expected, LEAST) * multiple), -6, 6)
    return noise, inflation(data.apart[:, :, 0], scaled, np.sqrt(expected / multiple))


def _alone(data: _Data, inflated: Floats, mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """What the data alone say of each coefficient, and its variance, both (N, F): the prior taken out again.

    The other coefficients keep theirs, so that price and promotion that moved together are told apart no
    better than they can be.
    """
    found, covariance = _posterior(data, inflated, mean, variance)
    spread = np.diagonal(covariance, axis1=1, axis2=2)
    information = np.maximum(1 / spread - 1 / variance, NOTHING)
    return np.asarray(mean + (found - mean) / spread / information), np.asarray(1 / information)
