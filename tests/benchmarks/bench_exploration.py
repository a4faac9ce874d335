"""Exploration against shoppers whose wishes are known: python -m tests.benchmarks.bench_exploration."""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.recsys.domain.exploration.drawing import draw
from services.recsys.domain.exploration.estimators import ESTIMATORS, Target, greedy, uniform, weigh
from services.recsys.domain.exploration.evaluation import CLIP, by
from services.recsys.domain.exploration.learning import Outcome, learn
from services.recsys.domain.exploration.policy import Policy, untaught
from services.recsys.domain.exploration.slots import Floats, Slot
from tests.recsys.exploring import COUNT, GUARD, Market, market

BATCH = 500
"""Visits between two trainings."""


@dataclass(frozen=True)
class Plain(Policy):
    """A policy that draws by a rule over the same posterior; the baselines are made of it."""

    def chances(self, products: Sequence[str], features: Floats, random: np.random.Generator) -> Floats:
        """Greedy over the ranker: the position's own."""
        return np.eye(len(products))[0]


class Uniform(Plain):
    """Every candidate alike."""

    def chances(self, products: Sequence[str], features: Floats, random: np.random.Generator) -> Floats:
        """1 / n."""
        return np.full(len(products), 1 / len(products))


class Mean(Plain):
    """The greatest posterior mean, one draw in ten uniform: epsilon-greedy."""

    def chances(self, products: Sequence[str], features: Floats, random: np.random.Generator) -> Floats:
        """0.9 on the best."""
        best = np.eye(len(products))[int(np.argmax(self.worth(products, features)))]
        return 0.9 * best + 0.1 / len(products)


class Upper(Plain):
    """LinUCB: mean + one deviation. Propensities are 0 or 1: nothing can be evaluated from what it draws."""

    def chances(self, products: Sequence[str], features: Floats, random: np.random.Generator) -> Floats:
        """1 on the best."""
        pull, push, precision = self._effects(products)
        mean = features @ self.mean + (pull - push @ self.mean) / precision
        shared = (features - push / precision[:, None]) @ self.root
        width = np.sqrt((shared**2).sum(axis=1) + 1 / precision)
        return np.eye(len(products))[int(np.argmax(mean + width))]


POLICIES: dict[str, type[Policy]] = {
    "greedy": Plain,
    "uniform": Uniform,
    "epsilon-greedy": Mean,
    "LinUCB": Upper,
    "Thompson": Policy,
}


def as_(kind: type[Policy], policy: Policy) -> Policy:
    """The same posterior under another rule."""
    fields = ("mean", "root", "products", "pull", "push", "precision", "prior_precision", "examined")
    return kind(**{name: getattr(policy, name) for name in fields})


def regret(shop: Market, kind: type[Policy], batches: int, seed: int) -> tuple[float, float, float]:
    """Clicks lost per 1,000 exploring positions: over all, in the last batch, and by what was learnt."""
    policy, history, lost = as_(kind, untaught()), [], []
    for batch in range(batches):
        outcomes = shop.shop(policy, BATCH, 1000 * seed + batch)
        lost.append(1000 * (shop.best() - shop.value(by(policy))))
        history += outcomes
        policy = as_(kind, learn(history))
    after = 1000 * (shop.best() - shop.value(exploiting(policy)))
    return float(np.mean(lost)), lost[-1], after


def exploiting(policy: Policy) -> Target:
    """What could serve everybody after it was learnt: the greatest posterior mean."""
    return lambda slot: np.eye(len(slot.products))[int(np.argmax(policy.worth(slot.products, slot.features)))]


def table_of_regret(batches: int, runs: int) -> None:
    """Markets where the ranker is nearly right, and where it is wrong about products."""
    print(f"\nClicks lost per 1,000 exploring positions, {batches} batches of {BATCH} visits, {runs} runs\n")
    print("| ranker is wrong by | policy | lost while learning | in the last batch | by what it learnt |")
    print("|---|---|---|---|---|")
    for doubt in (0.02, 0.08, 0.2):
        for name, kind in POLICIES.items():
            rows = [regret(market(seed, doubt=doubt), kind, batches, seed) for seed in range(runs)]
            mean = [f"{value:.1f}" for value in np.mean(rows, axis=0)]
            if kind is Plain:
                mean[2] = "-"
            print(f"| {doubt} | {name} | {' | '.join(mean)} |", flush=True)


def remembered(target: Target) -> Target:
    """The same slot is asked for many times."""
    known: dict[tuple[str, ...], Floats] = {}

    def look(slot: Slot) -> Floats:
        key = tuple(slot.products)
        if key not in known:
            known[key] = target(slot)
        return known[key]

    return look


def table_of_estimators(runs: int, visits: int) -> None:
    """Bias and coverage against the truth, which the market knows without a sample."""
    shop = market(1)
    model = learn(shop.shop(untaught(), 500, 999))
    wrong = replace(model, mean=model.mean * 3)
    targets = {"greedy": greedy, "uniform": uniform, "learned": remembered(by(model))}
    print(f"\nEstimators: {runs} runs of {visits} visits, 4 positions each; values in clicks per 1,000\n")
    print("| target | truth | estimator | mean | bias | spread | 95% interval holds it | effective |")
    print("|---|---|---|---|---|---|---|---|")
    logs = [shop.shop(untaught(), visits, run) for run in range(runs)]
    for name, target in targets.items():
        truth = shop.value(target)
        rules: list[tuple[str, Policy, float, Callable]] = [
            (estimator, model, np.inf, function) for estimator, function in ESTIMATORS.items()
        ]
        rules += [
            ("dr, model 3 times too high", wrong, np.inf, ESTIMATORS["dr"]),
            ("ips, clipped at 2", model, 2.0, ESTIMATORS["ips"]),
            ("ips, clipped at the default", model, CLIP, ESTIMATORS["ips"]),
        ]
        for told, q, clip, function in rules:
            weighed = [weigh(one, target, q).clipped(clip) for one in logs]
            print(_row(name, truth, told, [function(one) for one in weighed], weighed), flush=True)
        weighed = [weigh(one, target, model) for one in logs[: runs // 4]]
        print(_row(name, truth, "dr, bootstrap", [ESTIMATORS["dr"](o, True) for o in weighed], weighed))


def _row(name, truth, told, found, weighed) -> str:  # type: ignore[no-untyped-def]
    values = 1000 * np.array([one.value for one in found])
    held = np.mean([one.low <= truth <= one.high for one in found])
    size = np.mean([one.effective() for one in weighed])
    return (
        f"| {name} | {1000 * truth:.1f} | {told} | {values.mean():.1f} | {values.mean() - 1000 * truth:+.1f} "
        f"| {values.std():.1f} | {held:.0%} | {size:.0f} |"
    )


def cost() -> None:
    """What drawing adds to an answer, and learning to a training."""
    shop = market()
    outcomes: list[Outcome] = shop.shop(untaught(), 5000, 1)
    begun = time.process_time()
    policy = learn(outcomes)
    learning, begun = time.process_time() - begun, time.process_time()
    ranked = shop.ranked(0)
    for seed in range(1000):
        draw(ranked, COUNT, GUARD, policy, seed)
    drawing = time.process_time() - begun
    print(f"\nDrawing 4 positions: {drawing:.3f} CPU-ms an answer. Learning from {len(outcomes):,}", end="")
    print(f" outcomes: {learning:.2f} CPU-s.")


def main() -> None:
    """Prints the tables of docs/exploration.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=10)
    parser.add_argument("--markets", type=int, default=3)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--visits", type=int, default=250)
    given = parser.parse_args()
    cost()
    table_of_regret(given.batches, given.markets)
    table_of_estimators(given.runs, given.visits)


if __name__ == "__main__":
    main()
