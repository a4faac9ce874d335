"""Fits the policy to what was drawn and how shoppers responded: in closed form, the same at every run."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.exploration.policy import EFFECT_SPREAD, RATE, WEIGHT_SPREAD, Policy, untaught
from services.recsys.domain.exploration.slots import FEATURES, Floats, Slot

ROUNDS = 4
"""Of fitting worth and examination in turn, each given the other."""

STEADY = 20.0
"""Responses that each position is taken to have had, as its prior examination expects."""

LEAST_NOISE = 1e-3

LEAST_SPREAD, MOST_SPREAD = EFFECT_SPREAD / 2, 0.25
"""Of products' effects, between which the spread is told by the outcomes."""


class Outcome(NamedTuple):
    """A slot that was shown, at which position, to whom and when, and the response, 0 or 1."""

    slot: Slot
    position: int
    shopper: str
    time: float
    response: float


class _Table(NamedTuple):
    """Outcomes as columns; `product` numbers the `names`."""

    features: Floats
    product: NDArray[np.int64]
    position: NDArray[np.int64]
    response: Floats
    names: list[str]


def learn(outcomes: Sequence[Outcome]) -> Policy:
    """The posterior after these outcomes; the untaught policy when there are none."""
    if not outcomes:
        return untaught()
    table = _table(outcomes)
    policy = _posterior(table, prior_examination(table.position), EFFECT_SPREAD)
    for _ in range(ROUNDS):
        examined = _examination(table, np.maximum(_worth(policy, table), 1e-6))
        policy = _posterior(table, examined, _spread(policy, table))
    return policy


def prior_examination(position: NDArray[np.int64]) -> Floats:
    """Before anything is learnt: falling with the root of the position, 1 at the first that was seen."""
    places = np.arange(1, position.max() + 1)
    return np.asarray(np.minimum(np.sqrt(position.min() / places), 1.0))


def _table(outcomes: Sequence[Outcome]) -> _Table:
    chosen = [outcome.slot.products[outcome.slot.chosen] for outcome in outcomes]
    names = sorted(set(chosen))
    number = {name: at for at, name in enumerate(names)}
    return _Table(
        np.array([outcome.slot.features[outcome.slot.chosen] for outcome in outcomes]),
        np.array([number[name] for name in chosen]),
        np.array([outcome.position for outcome in outcomes]),
        np.array([outcome.response for outcome in outcomes]),
        names,
    )


def _posterior(table: _Table, examined: Floats, spread: float) -> Policy:
    """The exact posterior of weights and effects: effects are integrated out by the Schur complement."""
    seen = examined[table.position - 1]
    x, y = table.features * seen[:, None], table.response
    noise, prior = _noise(y), spread**-2
    count = len(table.names)
    pull = np.bincount(table.product, seen * y, count) / noise
    push = np.zeros((count, len(FEATURES)))
    np.add.at(push, table.product, seen[:, None] * x / noise)
    precision = np.bincount(table.product, seen * seen, count) / noise + prior
    start: Floats = np.array([0.0, RATE, 0.0])
    before = np.eye(len(FEATURES)) / WEIGHT_SPREAD**2
    inner = before + x.T @ x / noise - push.T @ (push / precision[:, None])
    right = before @ start + x.T @ y / noise - push.T @ (pull / precision)
    covariance = np.asarray(np.linalg.inv(inner), np.float64)
    root = np.asarray(np.linalg.cholesky((covariance + covariance.T) / 2), np.float64)
    return Policy(covariance @ right, root, table.names, pull, push, precision, prior, examined)


def _noise(response: Floats) -> float:
    """The variance of a response that is 0 or 1."""
    rate = float(response.mean())
    return max(rate * (1 - rate), LEAST_NOISE)


def _spread(policy: Policy, table: _Table) -> float:
    """How far effects spread, by the method of moments: what products' residuals vary above the noise."""
    seen = policy.examined[table.position - 1]
    rest = table.response - seen * (table.features @ policy.mean)
    times = np.bincount(table.product, seen * seen)
    above = np.bincount(table.product, seen * rest) ** 2 - _noise(table.response) * times
    return float(np.clip(np.sqrt(max(above.sum(), 0.0) / (times @ times)), LEAST_SPREAD, MOST_SPREAD))


def _worth(policy: Policy, table: _Table) -> Floats:
    """What each outcome's product is expected to be worth."""
    effects = (policy.pull - policy.push @ policy.mean) / policy.precision
    return np.asarray(table.features @ policy.mean + effects[table.product])


def _examination(table: _Table, worth: Floats) -> Floats:
    """Responses over what was expected of them, by position, held near the prior by STEADY responses."""
    prior = prior_examination(table.position)
    at = table.position - 1
    got = np.bincount(at, table.response, len(prior))
    expected = np.bincount(at, worth, len(prior))
    steady = STEADY / np.maximum(prior, 1e-9)
    found = (got + STEADY) / (expected + steady)
    return np.asarray(np.clip(found / found[table.position.min() - 1], 1e-3, 10.0))
