"""Which categories are found to hold substitutes, and how often intervals hold the true cross elasticities.

`python -m tests.benchmarks.bench_substitutes [FIRST_SEED]`: made-up shops, five a line.
"""

import sys
import time
from typing import Final

import numpy as np

from services.pricing.domain.demand.assessment import fit_weeks, forecast, substituting, wape
from services.pricing.domain.demand.level import Settings
from tests.pricing.worlds import World, shop

SHOPS: Final = 5
HELD: Final = 4
SETTINGS: Final = Settings(0.8, 0.2)
MARKETS: Final = {
    "no cross effects": World(noise=0.3),
    "no cross effects, common dips": World(noise=0.3, common=0.1),
    "no cross effects, steps": World("steps", noise=0.3, swing=0.3),
    "no cross effects, season": World(noise=0.3, season=0.5),
    "substitutes .6": World(noise=0.3, cross=0.6),
    "substitutes .6, common dips": World(noise=0.3, cross=0.6, common=0.1),
    "substitutes 1.2": World(noise=0.3, cross=1.2),
    "substitutes 1.2, common dips": World(noise=0.3, cross=1.2, common=0.1),
    "substitutes 1.2, steps": World("steps", noise=0.3, swing=0.3, cross=1.2),
    "substitutes 1.2, slow sellers": World(least=0.3, most=4.0, cross=1.2, common=0.1),
}


def main() -> None:
    """A line a market: categories found, hits of 90% intervals, mean found and true, held-out WAPE."""
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    columns = ("found", "90%", "own 90%", "mean", "true", "wape", "alone")
    print(f"{'market':30} " + " ".join(f"{name:>7}" for name in columns))
    start = time.process_time()
    for name, world in MARKETS.items():
        rows = []
        for seed in range(first, first + SHOPS):
            made = shop(world, seed)
            count = made.weeks.units.shape[1]
            earlier, held = range(count - 3 * HELD, count - HELD), range(count - HELD, count)
            kept = substituting(made.weeks, earlier, SETTINGS, forecast(made.weeks, earlier, SETTINGS))
            found, _ = fit_weeks(made.weeks, made.weeks.prices(), count, SETTINGS, kept)
            crossed = kept[made.weeks.category]
            rows.append([kept.mean(), *_hits(found, made, crossed), *_errors(made.weeks, held, kept)])
        told = np.array(rows)
        means = [
            column[~np.isnan(column)].mean() if (~np.isnan(column)).any() else np.nan for column in told.T
        ]
        shares = " ".join(f"{one:7.1%}" for one in means[:3])
        print(f"{name:30} {shares} " + " ".join(f"{one:7.3f}" for one in means[3:]), flush=True)
    print(f"{time.process_time() - start:.0f} CPU seconds")


def _hits(found, made, crossed):  # type: ignore[no-untyped-def]
    """Of products with a cross elasticity: hits of cross and own 90% intervals, mean found and true."""
    if not crossed.any():
        return [np.nan] * 4
    apart = np.abs(found.coefficients[:, [-1, 0]] - np.stack([made.cross, made.elasticity], axis=1))
    hits = (apart < 1.6449 * found.errors[:, [-1, 0]])[crossed].mean(axis=0)
    return [*hits, found.coefficients[crossed, -1].mean(), made.cross[crossed].mean()]


def _errors(weeks, held, kept):  # type: ignore[no-untyped-def]
    """The WAPE of held-out weeks with cross effects and without."""
    both = [forecast(weeks, held, SETTINGS, mask) for mask in (kept, weeks.none())]
    return [wape(one.expected, one.units) for one in both]


if __name__ == "__main__":
    main()
