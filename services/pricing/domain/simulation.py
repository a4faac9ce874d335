"""Plays learning in a market many times over, and tells what it earned of what perfect knowledge would."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np

from services.pricing.domain.learning.belief import Floats
from services.pricing.domain.learning.fluid import best_mix, best_value
from services.pricing.domain.learning.sampler import Greedy, Policy, Thompson, Ucb1
from services.pricing.domain.learning.stopping import Stopping, StopRule
from services.pricing.domain.markets import Guardrails, Market

PARTS: Final = 100
"""How many moments a path tells."""

Maker = Callable[[Market, int, np.random.Generator], Policy]


def _stopping(market: Market, runs: int, random: np.random.Generator) -> Stopping:
    sampler = Thompson(market.prices, market.cost, runs, random)
    return Stopping(sampler, market.prices - market.cost, random, StopRule())


POLICIES: Final[dict[str, Maker]] = {
    "thompson": lambda market, runs, random: Thompson(market.prices, market.cost, runs, random),
    "thompson without stock": lambda market, runs, random: Thompson(
        market.prices, market.cost, runs, random, stock_aware=False
    ),
    Stopping.name: _stopping,
    "greedy": lambda market, runs, random: Greedy(market.prices, market.cost, runs),
    "ucb1": lambda market, runs, random: Ucb1(market.prices, market.cost, runs),
}


@dataclass(frozen=True, slots=True)
class Share:
    """What was earned of the optimum after some shoppers: mean over runs, its 95% interval."""

    shoppers: int
    value: float
    low: float
    high: float


def optimum(market: Market, shoppers: int) -> float:
    """What perfect knowledge expects to earn of the first shoppers: the fluid optimum over all prices.

    Without a stock that is the best price's profit. The stock is spread evenly over all shoppers.
    """
    stock = np.array(market.stock / market.shoppers)
    return float(best_value(market.demand, market.prices - market.cost, stock)) * shoppers


class Path(NamedTuple):
    """How runs went, in T parts of the time: shoppers until then, the price that was asked, as the mean of
    the runs and their 10% and 90% points, and what was earned of the optimum by then. `best` is what perfect
    knowledge asks.
    """

    shoppers: Sequence[int]
    price: Floats
    low: Floats
    high: Floats
    share: Floats
    best: float


def reachable(market: Market, shoppers: int) -> float | None:
    """The share of the optimum that perfect knowledge would earn of the first shoppers within the guardrails:
    it walks from the shop's first price to the best one as fast as they let it. None where a stock mixes
    prices.
    """
    if np.isfinite(market.stock):
        return None
    profit = market.demand * (market.prices - market.cost)
    inside = allowed(market.prices, replace(market.guardrails, max_step=np.inf), np.array([0]))[0] > 0
    best, current, earned = int(np.where(inside, profit, -np.inf).argmax()), _first(market), 0.0
    for seen in range(0, shoppers, market.batch):
        reach = np.flatnonzero(allowed(market.prices, market.guardrails, np.array([current]))[0])
        current = int(reach[np.abs(reach - best).argmin()])
        earned += float(profit[current]) * min(market.batch, shoppers - seen)
    return earned / optimum(market, shoppers)


def _first(market: Market) -> int:
    """The shop's price before it learns, by index: the middle one of those it may ask."""
    inside = (market.prices >= market.guardrails.floor) & (market.prices <= market.guardrails.ceiling)
    return int(np.flatnonzero(inside)[inside.sum() // 2])


def play(market: Market, policy: str, runs: int, seed: int = 0) -> list[Share]:
    """Plays a policy (POLICIES) in a market. The same seed gives the same shares."""
    return walk(market, policy, runs, seed)[0]


def walk(market: Market, policy: str, runs: int, seed: int = 0) -> tuple[list[Share], Path]:
    """Plays a policy, and tells how it went there."""
    random, steps = np.random.default_rng(seed), list[_Step]()
    earned = _earned(market, POLICIES[policy](market, runs, random), runs, random, steps)
    shares = [_share(count, total / optimum(market, count)) for count, total in earned]
    parts = np.array_split(np.arange(len(steps)), min(PARTS, len(steps)))
    asked = np.array([np.mean([market.prices[steps[at].current] for at in part], axis=0) for part in parts])
    low, high = np.quantile(asked, (0.1, 0.9), axis=1)
    ends = [steps[part[-1]] for part in parts]
    share = [float(one.total.mean()) / optimum(market, one.shoppers) for one in ends]
    mix = best_mix(market.demand, market.prices - market.cost, np.array(market.stock / market.shoppers))
    best = float((mix * market.prices).sum() / mix.sum())
    return shares, Path([one.shoppers for one in ends], asked.mean(axis=1), low, high, np.array(share), best)


class _Step(NamedTuple):
    """Of each run: the index of the price that was asked last, and what was earned so far."""

    shoppers: int
    current: np.ndarray[Any, np.dtype[np.int64]]
    total: Floats


@dataclass(frozen=True, slots=True)
class Stopped:
    """How the sampler that stops fared: the share of runs that stopped, and after how many shoppers (mean).

    What the price it stopped at loses on average, and how often it lies within the rule's reach of the best.
    """

    share: float
    shoppers: float
    loss: float
    near: float


def stopped(market: Market, runs: int, seed: int = 0) -> Stopped | None:
    """Plays the sampler that stops; None when no run did."""
    random = np.random.default_rng(seed)
    policy = _stopping(market, runs, random)
    _earned(market, policy, runs, random)
    done = policy.price >= 0
    if not done.any():
        return None
    earned = market.demand * (market.prices - market.cost)
    lost = 1 - earned[policy.price[done]] / earned.max()
    near = float((lost <= policy.rule.within).mean())
    return Stopped(float(done.mean()), float(policy.shoppers[done].mean()), float(lost.mean()), near)


def unguarded(market: Market) -> Market:
    """The market with no guardrail."""
    return replace(market, guardrails=Guardrails())


def allowed(prices: Floats, guardrails: Guardrails, current: Floats) -> Floats:
    """Which prices (R, K) the guardrails leave when `current` (R) are the indexes of those that hold.

    Within floor and ceiling; a step away at most, or to the next price where even that is further.
    """
    inside = (prices >= guardrails.floor) & (prices <= guardrails.ceiling)
    step = np.abs(prices - prices[current][:, None]) <= guardrails.max_step * prices[current][:, None] + 1e-9
    near = np.abs(np.arange(len(prices)) - current[:, None]) <= 1
    return np.asarray((inside & (step | near)).astype(np.float64))


def _earned(
    market: Market,
    policy: Policy,
    runs: int,
    random: np.random.Generator,
    steps: list[_Step] | None = None,
) -> list[tuple[int, Floats]]:
    prices, everyone = market.prices, np.arange(runs)
    current = np.full(runs, _first(market))
    left, total = np.full(runs, market.stock), np.zeros(runs)
    told: list[tuple[int, Floats]] = []
    seen = 0
    while seen < market.shoppers:
        ends = next(count for count in market.report if count > seen)
        batch = min(market.batch, ends - seen)
        chances = policy.propensities(
            left / (market.shoppers - seen), allowed(prices, market.guardrails, current)
        )
        # a rounding error must not choose a price that has no chance
        edges = np.cumsum(chances, axis=1)
        current = (edges / edges[:, -1:] <= random.random(runs)[:, None]).sum(axis=1)
        wanted = random.binomial(batch, market.demand[current]).astype(np.float64)
        sold = np.minimum(wanted, left)
        total, left = total + sold * (prices[current] - market.cost), left - sold
        offered, bought = np.zeros((2, runs, len(prices)))
        # a batch that sells out tells too little of demand to learn from
        whole = (wanted <= left + sold) & (left + sold > 0)
        offered[everyone, current], bought[everyone, current] = batch * whole, sold * whole
        policy.learn(offered, bought)
        seen += batch
        if steps is not None:
            steps.append(_Step(seen, current, total))
        if seen == ends:
            told.append((seen, total.copy()))
    return told


def _share(shoppers: int, shares: Floats) -> Share:
    error = 1.96 * float(shares.std(ddof=1)) / len(shares) ** 0.5 if len(shares) > 1 else 0.0
    mean = float(shares.mean())
    return Share(shoppers, mean, mean - error, mean + error)
