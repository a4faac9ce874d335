"""How segments of a shop's customers answer to prices: for a person to read, never an input of a price.

All segments pay one price, so that they differ in what they buy at it alone. Each product's sales in each
segment are learnt as a product of their own, shrunk to their segment's mean.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from services.kit.progress import Metric
from services.pricing.domain.demand.assessment import Weeks, fit_weeks
from services.pricing.domain.demand.level import Floats, Settings
from services.pricing.domain.demand.shrinkage import means

WIDE: Final = 1.96
LEAST: Final = 10.0
"""A product that sold fewer pieces in a segment is left out: all are compared on the same products."""

SETTINGS: Final = Settings(0.8, 1.0)


class Sensitivity(NamedTuple):
    """The mean elasticity of segments (S) with standard errors, and of how many products it is."""

    names: Sequence[str]
    elasticity: Floats
    error: Floats
    products: int


def sensitivity(weeks: Weeks, units: Mapping[str, Floats]) -> Sensitivity:
    """What each segment's pieces (N, W) tell, at the shop's prices and promotions.

    Raises ValueError where fewer than two segments have products in common.
    """
    names = sorted(units)
    kept = np.all([units[name].sum(axis=1) >= LEAST for name in names], axis=0)
    if len(names) < 2 or not kept.any():
        raise ValueError(f"two segments at least must have sold {LEAST:g} pieces of the same product")
    sold = np.concatenate([units[name][kept] for name in names])
    prices = np.tile(weeks.prices()[kept], (len(names), 1))
    segment = np.repeat(np.arange(len(names)), int(kept.sum()))
    promotions = np.tile(weeks.promotions[kept], (len(names), 1, 1))
    known = np.tile(weeks.known()[kept], (len(names), 1))
    stacked = Weeks(sold, sold * prices, promotions, segment, open=known, asked=prices)
    demand, _ = fit_weeks(stacked, prices, sold.shape[1], SETTINGS, stacked.none())
    own, doubt, shared = (told[:, 0] for told in (demand.coefficients, demand.errors, demand.shared))
    elasticity, error = means(own, doubt, shared, segment)
    return Sensitivity(names, elasticity, error, int(kept.sum()))


def metrics(found: Sensitivity) -> dict[str, Metric]:
    """Each segment's mean elasticity, and how far it lies from the mean of the others; 95% intervals."""
    told: dict[str, Metric] = {}
    for at, name in enumerate(found.names):
        others = np.arange(len(found.names)) != at
        apart = found.elasticity[at] - found.elasticity[others].mean()
        doubt = np.sqrt(found.error[at] ** 2 + (found.error[others] ** 2).sum() / others.sum() ** 2)
        told[f"elasticity_{name}"] = _metric(found.elasticity[at], found.error[at])
        told[f"beside_others_{name}"] = _metric(apart, doubt)
    return told


def _metric(value: float, error: float) -> Metric:
    return Metric(value=float(value), low=float(value - WIDE * error), high=float(value + WIDE * error))
