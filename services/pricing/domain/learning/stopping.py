"""When to stop learning: one price is surely near the best, or trying on would earn too little more.

Of demands drawn from the whole posterior, each tells what every price would earn. Stopping at a price loses
what the best of that draw earns more; the mean of it is the expected loss of stopping (Chick & Gans 2009, the
value of information in ranking and selection).
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from services.pricing.domain.learning.belief import Floats
from services.pricing.domain.learning.sampler import Thompson

EVERY: Final = 5
"""Batches between two looks of the simulation."""

DRAWS: Final = 64


@dataclass(frozen=True, slots=True)
class StopRule:
    """Stop when the expected loss is at most `loss`, a share of what is earned, or when the price earns
    within `within` of the best with a chance of `chance`.
    """

    loss: float = 0.005
    within: float = 0.05
    chance: float = 0.95


class Verdict(NamedTuple):
    """Of R products: the best price's index, the loss that stopping there is expected to cost as a share, the
    chance that it is within the rule's reach of the best, and whether to stop."""

    price: np.ndarray[Any, np.dtype[np.int64]]
    loss: Floats
    chance: Floats
    stop: np.ndarray[Any, np.dtype[np.bool_]]


def verdict(demand: Floats, margin: Floats, allowed: Floats, rule: StopRule) -> Verdict:
    """What stopping now would mean, of demands drawn (R, S, K); `margin` (K) is what a sale earns.

    The price is one of those allowed (R, K), what it loses is measured against all: learning goes on while
    the best is out of reach.
    """
    earned = demand * margin
    price = np.where(allowed > 0, earned.mean(axis=1), -np.inf).argmax(axis=1)
    own = np.take_along_axis(earned, price[:, None, None], axis=2)[:, :, 0]
    best = np.maximum(earned.max(axis=2), 1e-12)
    loss = (best - own).mean(axis=1) / best.mean(axis=1)
    chance = (own >= (1 - rule.within) * best).mean(axis=1)
    return Verdict(price, loss, chance, (loss <= rule.loss) | (chance >= rule.chance))


class Stopping:
    """Thompson's sampler that stops: from then on it asks one price and learns nothing more.

    Where a stock is too small for all who would buy, it goes on: the best there is a mix of prices.
    """

    name = "thompson, stops"

    def __init__(
        self, sampler: Thompson, margin: Floats, random: np.random.Generator, rule: StopRule
    ) -> None:
        self._sampler, self._margin, self._random, self.rule = sampler, margin, random, rule
        runs = len(sampler.belief.offered)
        self._batches = 0
        self.price = np.full(runs, -1)
        """Of each shop the index of the price that it stopped at, -1 while it learns."""
        self.shoppers = np.zeros(runs)
        """How many shoppers each learnt from."""

    def propensities(self, stock: Floats, allowed: Floats) -> Floats:
        if self._batches % EVERY == 0 and self._batches and (self.price < 0).any():
            demand = self._sampler.belief.draw(DRAWS, self._random)
            found = verdict(demand, self._margin, allowed, self.rule)
            stops = found.stop & (self.price < 0) & (stock >= 1)
            self.price = np.where(stops, found.price, self.price)
        stopped = np.eye(len(self._margin))[np.maximum(self.price, 0)]
        if (self.price >= 0).all():
            return np.asarray(stopped)
        chances = self._sampler.propensities(stock, allowed)
        return np.asarray(np.where(self.price[:, None] >= 0, stopped, chances))

    def learn(self, offered: Floats, sold: Floats) -> None:
        going = (self.price < 0)[:, None]
        self._batches += 1
        self.shoppers += (offered * going).sum(axis=1)
        if going.any():
            self._sampler.learn(offered * going, sold * going)
