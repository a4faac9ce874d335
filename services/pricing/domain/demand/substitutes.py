"""What the prices of other products do to a product's demand, within its category.

    units[i, w] ~ level * price effect * exp(cross[i] * index[i, w])
    index[i, w] = sum over the category's other products j of share[j] * log(price[j, w] / usual[j])

One coefficient a product, over 0 for substitutes: all others a per cent dearer, so many per cent more demand.
It is shrunk as elasticities are (shrinkage.py). `share` is by pieces sold, so that the elasticity to the
price of one other product is cross[i] * share[j]. Only categories where it forecast earlier weeks better
have it; in the others demand is as if products knew nothing of each other.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from services.pricing.domain.demand.level import Floats, Settings
from services.pricing.domain.demand.model import Demand, Ints, fit
from services.pricing.domain.demand.shrinkage import means

Bools = np.ndarray[Any, np.dtype[np.bool_]]

LEAST_GAIN: Final = 2.0
"""A category has cross effects where they lower the deviance of earlier weeks by more than this."""

SURE: Final = 1.6449
"""... and where their mean lies so many of its standard errors above 0."""

NOTHING: Final = 1e-9


def index(price: Floats, sold: Floats, category: Ints) -> Floats:
    """The log price index of each product's category without its own (N, W); 0 where there is no other.

    `price` (N, W) are log prices against the usual one, `sold` (N) pieces that count as weights.
    """
    count = int(category.max()) + 1
    weighted, sums = sold[:, None] * price, np.zeros((count, price.shape[1]))
    np.add.at(sums, category, weighted)
    rest = (np.bincount(category, sold, count)[category] - sold)[:, None]
    return np.where(rest > NOTHING, (sums[category] - weighted) / np.maximum(rest, NOTHING), 0.0)


def fit_beside(
    units: Floats, features: Floats, known: Floats, category: Ints, settings: Settings, kept: Bools
) -> Demand:
    """As `fit`; the last of the features (N, W, F) is the index, which counts in `kept` categories (C)."""
    alone = fit(units, features[:, :, :-1], known, category, settings)
    nothing = np.zeros((len(units), 1))
    alone = replace(
        alone,
        coefficients=np.hstack([alone.coefficients, nothing]),
        errors=np.hstack([alone.errors, nothing]),
        shared=np.hstack([alone.shared, nothing]),
    )
    if not kept.any():
        return alone
    beside = fit(units, features, known, category, settings)
    answers = kept[category] & (np.abs(features[:, :, -1]).max(axis=1) > NOTHING)
    return Demand(
        np.where(answers[:, None], beside.coefficients, alone.coefficients),
        np.where(answers[:, None], beside.errors, alone.errors),
        np.where(answers[:, None], beside.shared, alone.shared),
        np.where(answers, beside.level, alone.level),
        np.where(answers, beside.dispersion, alone.dispersion),
        alone.prior_only,
    )


def gaining(
    units: Floats, alone: Floats, beside: Floats, dispersion: Floats, demand: Demand, category: Ints
) -> Bools:
    """The categories (C) whose weeks (N, T) were forecast better `beside` the others than `alone`.

    By the quasi-deviance of Poisson counts; `demand` says how sure the cross effects are.
    """
    count = int(category.max()) + 1

    def deviance(expected: Floats) -> Floats:
        mean = np.maximum(expected, 1e-3)
        return np.asarray((2 * (mean - units * np.log(mean)) / np.maximum(dispersion, 1.0)).sum(axis=1))

    gain = np.bincount(category, deviance(alone) - deviance(beside), count)
    cross, doubt, shared = (told[:, -1] for told in (demand.coefficients, demand.errors, demand.shared))
    mean, error = means(cross, doubt, shared, category)
    return np.asarray((gain > LEAST_GAIN) & (mean > SURE * error))
