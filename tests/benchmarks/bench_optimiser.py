"""How fast the optimiser is, and what it earns beside rules: python -m tests.benchmarks.bench_optimiser."""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from services.pricing.adapters.database import sqlite_url
from services.pricing.adapters.optimising import Planner
from services.pricing.adapters.served_demand import ServedDemand
from services.pricing.domain.demand.response import Response, Responses
from services.pricing.domain.limits import DAY, MICROS
from services.pricing.domain.optimiser.candidates import Item, candidates, trusted
from services.pricing.domain.optimiser.clearing import Clearing, markdown
from services.pricing.domain.optimiser.goals import Goals, Ladder
from services.pricing.domain.optimiser.optimise import optimise
from services.pricing.domain.optimiser.promotions import Calendar, Offer, promotions
from services.pricing.domain.policy import Mode, Policy
from services.pricing.domain.ports import Wanted
from tests.pricing.optimiser_shop import NOW, item
from tests.pricing.shop import Clock, Shop, product

Floats = np.ndarray[Any, np.dtype[np.float64]]

RULES = Policy(mode=Mode.PROPOSE, min_margin=50_000, endings=tuple(range(90_000, MICROS, 100_000)))
ALONE = Goals(ignore_sizes=True)
TIED = Goals(max_mean_change=20_000, ladders=(Ladder("gold", "own", 100_000),))


def cpu_of(run: Callable[[], Any]) -> tuple[float, Any]:
    """CPU-seconds, and what came out."""
    start = time.process_time()
    found = run()
    return time.process_time() - start, found


def speed(products: int) -> dict[str, float]:
    """Categories of 50; one in three products has other sizes, half belong to a ladder's brands."""
    market = Market(np.random.default_rng(0), products)
    told = {}
    for name, goals in (("alone", ALONE), ("tied", TIED)):
        items = market.items(market.listed, goals, market.believed, market.error)
        told[f"{name}_cpu_s"], plan = cpu_of(lambda items=items: optimise(items, NOW))  # type: ignore[misc]
        told[f"{name}_gap"], told[f"{name}_changes"] = plan.gap, len(plan.changes)
    offers = [Offer(one, (one.price,) * 4) for one in items]
    told["promotions_cpu_s"], _ = cpu_of(
        lambda: promotions(offers, Calendar(4, 10, (100_000, 200_000, 300_000)))
    )
    return told | through_store(products)


def through_store(products: int) -> dict[str, float]:
    """The same from a SQLite file: read what is known, optimise, propose all changes."""
    market = Market(np.random.default_rng(0), products)
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(sqlite_url(Path(folder) / "pricing.db"), Clock())
        shop.policy(replace(RULES, goals=ALONE))
        items = market.items(market.listed, ALONE, market.believed, market.error)
        for start in range(0, products, 1_000):
            shop.catalog(
                *(
                    product(
                        one.product_id,
                        one.price / MICROS,
                        cost=(one.cost or 0) / MICROS,
                        categories=[one.category],
                    )
                    for one in items[start : start + 1_000]
                )
            )
        demand = ServedDemand()
        demand.serve(Responses("bench", [one.response for one in items]))
        wanted = Wanted("default", proposer="bench")
        cpu, found = cpu_of(lambda: Planner(shop.store, demand).optimise(wanted))
        shop.close()
    return {"through_store_cpu_s": cpu, "proposals": len(found.proposals)}


class Market:
    """Products whose demand is known to whoever plays: true elasticities, and what a shop believes of them.

    True: a category's mean from N(-2.2, 0.5), a product's around it with 0.6, kept within -6 to -0.4.
    Measured with errors of 0.2 to 0.8 and shrunk to the category, as the demand model does; one in ten never
    was. The category's mean is known with an error of 0.2, which its products share. List prices are cost
    times a markup of 1.3 to 2.0 that has nothing to do with demand; no other was ever in force.
    """

    def __init__(
        self, draw: np.random.Generator, products: int, *, logit: bool = False, moved: float = 0.0
    ) -> None:
        self.count, self.logit, self.moved = products, logit, moved
        self.category = np.arange(products) // 50
        categories = draw.normal(-2.2, 0.5, self.category.max() + 1)
        mean = categories[self.category]
        self.true = np.clip(mean + draw.normal(0, 0.6, products), -6, -0.4)
        error = draw.uniform(0.2, 0.8, products)
        self.measured = self.true + draw.normal(0, error)
        thought = (categories + draw.normal(0, 0.2, len(categories)))[self.category]
        weight = 0.6**2 / (0.6**2 + error**2)
        self.prior_only = draw.random(products) < 0.1
        weight = np.where(self.prior_only, 0.0, weight)
        self.believed = weight * self.measured + (1 - weight) * thought
        self.measured = np.where(self.prior_only, thought, self.measured)
        self.shared = (1 - weight) * 0.2
        self.error = np.hypot(np.where(self.prior_only, 0.6, np.sqrt(weight) * error), self.shared)
        self.cost = np.round(draw.lognormal(0.7, 0.7, products), 2) + 0.3
        self.listed = np.floor(self.cost * draw.uniform(1.3, 2.0, products) * 10) / 10 + 0.09
        self.sells = draw.lognormal(2.5, 1.0, products)
        self.size = draw.integers(1, 5, products)
        self.brand = draw.choice(["gold", "own", "x", "y"], products)
        self.begin()

    def begin(self) -> None:
        """Forgets all prices but the listed ones."""
        self.low, self.high = self.listed, self.listed

    def items(self, prices: Floats, goals: Goals, elasticity: Floats, error: Floats) -> list[Item]:
        """The shop's products at these prices, as it believes them to be."""
        self.low, self.high = np.minimum(self.low, prices), np.maximum(self.high, prices)
        return [
            replace(
                item(
                    f"p{n}",
                    float(prices[n]),
                    cost=float(self.cost[n]),
                    goals=goals,
                    policy=RULES,
                    category=f"c{self.category[n]}",
                    size=f"{self.size[n]}00 g",
                    brand=str(self.brand[n]),
                    family=f"f{n // 3}",
                ),
                trusted=trusted(round(self.low[n] * MICROS), round(self.high[n] * MICROS)),
                response=Response(
                    f"p{n}", "", "USD", float(self.listed[n]), float(self.sells[n]), float(elasticity[n]),
                    float(error[n]), bool(self.prior_only[n]), 1.0, float(self.shared[n]),
                ),
            )
            for n in range(self.count)
        ]  # fmt: skip

    def margin(self, prices: Floats) -> float:
        """The true expected margin of a week."""
        return float(((prices - self.cost) * self.units(prices)).sum())

    def units(self, prices: Floats) -> Floats:
        """True units: of constant elasticity, or a logit of the same one at the list price; a share `moved`
        of what a category sells less (or more) is sold more (or less) by all of it.
        """
        ratio = prices / self.listed
        if self.logit:  # a tenth of all shoppers buy at the list price: elasticity = -slope * .9
            utility = np.log(0.1 / 0.9) + self.true / 0.9 * (ratio - 1)
            units = self.sells / 0.1 / (1 + np.exp(-utility))
        else:
            units = self.sells * ratio**self.true
        lost = np.bincount(self.category, self.sells - units)[self.category]
        share = units / np.bincount(self.category, units)[self.category]
        return np.asarray(np.maximum(units + self.moved * lost * share, 0.0))


def cost_plus(market: Market, prices: Floats) -> Floats:
    """Every price goes to cost times the shop's usual markup, as far as a step and the rules let it."""
    markup = float(np.median(market.listed / market.cost))
    return nearest(market, prices, market.cost * markup)


def greedy(market: Market, prices: Floats) -> Floats:
    """Every price goes to the best markup of the elasticity as measured, cost * e / (1 + e)."""
    steep = np.minimum(market.measured, -1.05)
    return nearest(market, prices, market.cost * steep / (1 + steep))


def nearest(market: Market, prices: Floats, wanted: Floats) -> Floats:
    """The candidates next to wanted prices."""
    items = market.items(prices, ALONE, market.believed, market.error)
    found = [
        np.array([one.price for one in candidates(known, known.goals.max_step)]) / MICROS for known in items
    ]
    return np.array([float(one[np.argmin(abs(one - want))]) for one, want in zip(found, wanted, strict=True)])


def optimised(goals: Goals, elasticity: str = "believed") -> Callable[[Market, Floats], Floats]:
    """A week's prices by the optimiser."""

    def prices_of(market: Market, prices: Floats) -> Floats:
        believed = getattr(market, elasticity)
        error = np.zeros(market.count) if elasticity == "true" else market.error
        plan = optimise(market.items(prices, goals, believed, error), NOW)
        after = prices.copy()
        for change in plan.changes:
            after[int(change.item.product_id[1:])] = change.price / MICROS
        return after

    return prices_of


POLICIES: dict[str, Callable[[Market, Floats], Floats]] = {
    "list prices": lambda market, prices: prices,
    "cost-plus": cost_plus,
    "greedy per product": greedy,
    "optimiser": optimised(ALONE),
    "optimiser, tied": optimised(TIED),
    "optimiser, true elasticities": optimised(ALONE, "true"),
}


def earnings(shops: int, products: int, weeks: int, **kind: Any) -> dict[str, Any]:
    """Margin over some weeks, re-priced each week by 10% at most, as a share of that of list prices.

    Nothing is learnt on the way. Means over shops with 95% intervals; and how often the first week's promise,
    a 90% interval of the change of margin, holds what came.
    """
    earned: dict[str, list[float]] = {name: [] for name in POLICIES}
    promised, kept = [], []
    for seed in range(shops):
        market = Market(np.random.default_rng(seed), products, **kind)
        base = market.margin(market.listed)
        for name, policy in POLICIES.items():
            prices, total = market.listed, 0.0
            market.begin()
            for _ in range(weeks):
                prices = policy(market, prices)
                total += market.margin(prices)
            earned[name].append(total / (weeks * base))
        came, held = promise(market)
        promised.append(came)
        kept.append(held)
    over = np.array(earned["optimiser"])
    return {
        **{name: mean_interval(values) for name, values in earned.items()},
        "optimiser over cost-plus": mean_interval(list(over - earned["cost-plus"])),
        "optimiser over greedy": mean_interval(list(over - earned["greedy per product"])),
        "came of what was promised": mean_interval(promised),
        "promise kept": float(np.mean(kept)),
    }


def promise(market: Market) -> tuple[float, bool]:
    """Of the first week's promised margin what came, as a share, and whether its 90% interval held it."""
    market.begin()
    plan = optimise(market.items(market.listed, ALONE, market.believed, market.error), NOW)
    asked = market.listed.copy()
    for change in plan.changes:
        asked[int(change.item.product_id[1:])] = change.price / MICROS
    came = market.margin(asked) - market.margin(market.listed)
    return came / plan.margin.value, plan.margin.low <= came <= plan.margin.high


def promises(shops: int, products: int, **kind: Any) -> dict[str, Any]:
    """The same over many shops, on seeds that nothing was chosen on."""
    told = [promise(Market(np.random.default_rng(5_000 + n), products, **kind)) for n in range(shops)]
    came = mean_interval([share for share, _ in told])
    return {"came of what was promised": came, "promise kept": float(np.mean([held for _, held in told]))}


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean and its 95% interval."""
    half = 1.96 * float(np.std(values, ddof=1)) / len(values) ** 0.5
    mean = float(np.mean(values))
    return round(mean, 4), round(mean - half, 4), round(mean + half, 4)


def markdowns(cases: int) -> dict[str, tuple[float, float, float]]:
    """Stocks that would be left, elasticities in doubt: revenue as a share of that without a cut."""
    draw, told = np.random.default_rng(1), dict[str, list[float]]()
    for n in range(cases):
        weeks, sells = int(draw.integers(3, 9)), float(draw.uniform(5, 40))
        stock = int(sells * weeks * draw.uniform(1.2, 2.5)) + 1
        known = item(
            f"m{n}", 10.0, cost=1.0, elasticity=float(draw.uniform(-3.5, -1.2)), error=0.4, sells=sells
        )
        found = markdown(known, Clearing(NOW + weeks * 7 * DAY, stock), NOW).compared
        keeping = found.keeping.revenue.value
        for name, outcome in (("plan", found.plan), ("best single cut", found.single)):
            told.setdefault(name, []).append(outcome.revenue.value / keeping)
    return {name: mean_interval(values) for name, values in told.items()}


def main() -> None:
    """One JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--shops", type=int, default=12)
    parser.add_argument("--promises", type=int, default=40)
    parser.add_argument("--weeks", type=int, default=6)
    given = parser.parse_args()
    told: dict[str, Any] = {f"{count} products": speed(count) for count in given.products}
    kinds: dict[str, dict[str, Any]] = {
        "constant elasticity": {},
        "logit": {"logit": True},
        "30% moves": {"moved": 0.3},
    }
    for name, kind in kinds.items():
        told[name] = earnings(given.shops, 200, given.weeks, **kind)
        told[f"{name}, promises"] = promises(given.promises, 200, **kind)
    told["markdowns"] = markdowns(40)
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
