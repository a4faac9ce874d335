"""How often intervals hold true elasticities: `python -m tests.benchmarks.bench_elasticity [FIRST_SEED]`."""

import sys
import time

import numpy as np

from tests.pricing.worlds import WORLDS, held, learnt, shop

SHOPS = 10


def main() -> None:
    """A line a world: hits of 90% and 95% intervals from orders alone, of 90% with records of prices and
    empty shelves; of the latter the size of errors beside what was meant, and the bias."""
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print(f"{'world':36} {'90%':>6} {'95%':>6} {'recorded':>9} {'error':>6} {'meant':>6} {'bias':>6}")
    start = time.process_time()
    for name, world in WORLDS.items():
        rows = []
        for seed in range(first, first + SHOPS):
            made = shop(world, seed)
            found = learnt(made.weeks, made.weeks.prices())
            known = learnt(made.recorded, made.recorded.prices())
            apart = known.coefficients[:, 0] - made.elasticity
            hits = (
                held(found, made.elasticity),
                held(found, made.elasticity, 1.96),
                held(known, made.elasticity),
            )
            rows.append((*hits, np.mean(apart**2), np.mean(known.errors[:, 0] ** 2), apart.mean()))
        low, high, asked, error, meant, bias = np.mean(rows, axis=0)
        sizes = f"{error**0.5:6.2f} {meant**0.5:6.2f} {bias:+6.2f}"
        print(f"{name:36} {low:6.1%} {high:6.1%} {asked:9.1%} {sizes}", flush=True)
    print(f"{time.process_time() - start:.0f} CPU seconds")


if __name__ == "__main__":
    main()
