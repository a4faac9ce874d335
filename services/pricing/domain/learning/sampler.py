"""The samplers: which price to offer next, with the chance that each price had (the propensity)."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from services.pricing.domain.learning.belief import Belief, Floats, Prior
from services.pricing.domain.learning.fluid import best_mix


class Policy(Protocol):
    """Chooses a price for each of R shops, and learns from what sold."""

    name: str

    def propensities(self, stock: Floats, allowed: Floats) -> Floats:
        """The chance of each price (R, K); what is left of 1 is "sell nothing now".

        `stock` (R) is pieces a shopper still to come, inf when there is enough; `allowed` (R, K) is 1 for
        the prices that the guardrails leave, at least one of each shop.
        """
        ...

    def learn(self, offered: Floats, sold: Floats) -> None:
        """Shoppers who were offered each price and how many bought (R, K), once a batch."""
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """`draws`: demands drawn for a decision; its propensities are known exactly, being their mean choice.

    `spread`: how far draws lie from the most likely demand, as a share of the posterior's deviation: 1 is
    Thompson's rule, less tries less. A half was best over eight invented markets (docs/demand.md).
    `exploration`: the share of decisions that go to any allowed price at random, 0 for none.
    """

    draws: int = 16
    spread: float = 0.5
    exploration: float = 0.0
    prior: Prior = field(default_factory=Prior)


class Thompson:
    """Offers each price as often as it is believed to be best for the stock and shoppers that are left."""

    name = "thompson"

    def __init__(
        self,
        prices: Floats,
        cost: float,
        runs: int,
        random: np.random.Generator,
        settings: Settings | None = None,
        *,
        stock_aware: bool = True,
    ) -> None:
        self._settings = settings or Settings()
        self.belief = Belief(prices, runs, self._settings.prior)
        self._margin, self._random, self._stock_aware = prices - cost, random, stock_aware
        if not stock_aware:
            self.name = "thompson without stock"

    def propensities(self, stock: Floats, allowed: Floats) -> Floats:
        demand = self.belief.draw(self._settings.draws, self._random, self._settings.spread)
        limit = stock if self._stock_aware else np.full_like(stock, np.inf)
        mix = restricted(demand, self._margin, limit[:, None], allowed[:, None, :]).mean(axis=1)
        explore = self._settings.exploration
        return np.asarray(mix * (1 - explore) + explore * allowed / allowed.sum(axis=1, keepdims=True))

    def learn(self, offered: Floats, sold: Floats) -> None:
        self.belief.learn(offered, sold)


class Greedy:
    """Offers what the most likely demand says is best, and never tries anything else."""

    name = "greedy"

    def __init__(self, prices: Floats, cost: float, runs: int, prior: Prior | None = None) -> None:
        self.belief = Belief(prices, runs, prior)
        self._margin = prices - cost

    def propensities(self, stock: Floats, allowed: Floats) -> Floats:
        return restricted(self.belief.demand(), self._margin, stock, allowed)

    def learn(self, offered: Floats, sold: Floats) -> None:
        self.belief.learn(offered, sold)


class Ucb1:
    """UCB1 over the prices, each an arm of its own (Auer, Cesa-Bianchi & Fischer 2002); knows no stock."""

    name = "ucb1"

    def __init__(self, prices: Floats, cost: float, runs: int) -> None:
        self._margin = prices - cost
        self._offered, self._sold = np.zeros((runs, len(prices))), np.zeros((runs, len(prices)))

    def propensities(self, stock: Floats, allowed: Floats) -> Floats:
        seen = np.maximum(self._offered, 1e-9)
        total = np.maximum(self._offered.sum(axis=1, keepdims=True), 1.0)
        bonus = np.sqrt(2 * np.log(total + 1) / seen)
        value = np.where(allowed > 0, (self._sold / seen + bonus) * self._margin, -np.inf)
        return np.asarray(np.eye(len(self._margin))[value.argmax(axis=1)])

    def learn(self, offered: Floats, sold: Floats) -> None:
        self._offered += offered
        self._sold += sold


def restricted(demand: Floats, margin: Floats, stock: Floats, allowed: Floats) -> Floats:
    """The best mix of the allowed prices alone."""
    # A price nobody buys at earns nothing and uses nothing: the mix takes it only where all else loses.
    mix = best_mix(demand * allowed, margin, stock) * allowed
    idle = 1 - mix.sum(axis=-1, keepdims=True)
    dearest = np.eye(len(margin))[len(margin) - 1 - allowed[..., ::-1].argmax(axis=-1)]
    # A shop that would sell nothing asks its highest allowed price instead of closing.
    return np.asarray(mix + idle * dearest)
