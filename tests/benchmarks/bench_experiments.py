"""How honest and how strong experiments with prices are: python -m tests.benchmarks.bench_experiments.

In invented markets whose true effect is known: how often the 90% interval holds it, how often one leaves 0
out that ought not (A/A) or ought to (power), by fixed intervals and by those for many looks, looked at after
every pair.
"""

import argparse
import json
from collections.abc import Sequence

import numpy as np

from services.pricing.domain.experiment.design import Kind
from services.pricing.domain.experiment.effect import Effect, Pair, effect, effect_so_far
from tests.pricing.experiment_worlds import PRODUCTS, SUBSTITUTES, SWITCHBACK, World, played

CHANGES = (0.0, -0.05, -0.1, -0.2)
SEEDS = 1_000_000
"""Where the seeds begin that nothing was chosen on."""


def main() -> None:
    """One JSON object a market."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400)
    runs = parser.parse_args().runs
    for name, world in (SWITCHBACK | PRODUCTS | {"30% moves to other products": SUBSTITUTES}).items():
        told = {f"{change:+.0%}": figures(world, change, runs) for change in CHANGES}
        print(json.dumps({"market": name, "pairs": world.pairs, **told}), flush=True)


def figures(world: World, change: float, runs: int) -> dict[str, float]:
    """Shares of the runs: intervals that hold the truth, and that leave 0 out."""
    held, found, early, width, truths = [], [], [], [], []
    for seed in range(SEEDS, SEEDS + runs):
        pairs, truth = played(world, change, seed)
        seen = effect(pairs)
        if seen is None:
            continue
        held.append(seen.low <= truth <= seen.high)
        found.append(outside(seen))
        width.append(seen.high - seen.low)
        truths.append(truth)
        if world.kind is Kind.SWITCHBACK:
            early.append(first_look(pairs, world.pairs))
    told = {
        "effect": np.mean(truths),
        "holds": np.mean(held),
        "leaves 0 out": np.mean(found),
        "width": np.mean(width),
    }
    if early:
        told["any look"] = np.mean([at is not None for at in early])
        told["pairs until then"] = np.mean([at or world.pairs for at in early])
    return {key: round(float(value), 3) for key, value in told.items()}


def first_look(pairs: Sequence[Pair], planned: int) -> int | None:
    """After how many pairs an interval for many looks first leaves 0 out."""
    for count in range(5, len(pairs) + 1):
        seen = effect_so_far(pairs[:count], planned)
        if seen and outside(seen):
            return count
    return None


def outside(seen: Effect) -> bool:
    """Whether an interval leaves 0 out."""
    return not seen.low <= 0 <= seen.high


if __name__ == "__main__":
    main()
