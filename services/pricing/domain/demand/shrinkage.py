"""Products shrunk to their category, categories to the shop, with all the doubt about how much.

    estimate[i] ~ N(true[i], variance[i])   true[i] ~ N(category, own^2)   category ~ N(shop, apart^2)

The shop's mean is integrated out, and so are `own` and `apart`, over a grid weighted by their likelihood: a
hierarchical Bayes whose intervals know that the category's mean and the spread are themselves estimates
(Gelman et al., Bayesian Data Analysis, 2013, section 5.4).
"""

from itertools import product
from typing import Any, Final, NamedTuple

import numpy as np

from services.pricing.domain.demand.level import Floats

Ints = np.ndarray[Any, np.dtype[np.int64]]

GRID: Final = np.array([0.03, 0.1, 0.2, 0.3, 0.45, 0.65, 0.9, 1.3])
USUAL: Final = (0.5, 0.4)
"""What `own` and `apart` are before anything is seen, give or take a factor exp(0.6): few shops tell much of
them. Elasticities of retailing lie about 0.5 apart within a category."""
TIMES: Final = 0.6
NONE: Final = 1e-12


class Shrunk(NamedTuple):
    """Of N products: the category's mean, the variance within it, the shrunk estimates, their variances.

    `shared` is the part of the variance that all products of a category err by together.
    """

    mean: Floats
    own: float
    estimate: Floats
    variance: Floats
    shared: Floats


def shrink(estimate: Floats, variance: Floats, category: Ints) -> Shrunk:
    """Shrinks estimates (N) of one coefficient, each with its variance (N)."""
    steps = np.gradient(GRID)
    tried = [_given(estimate, variance, category, own, apart) for own, apart in product(GRID, GRID)]
    volume = np.log(np.outer(steps, steps)).ravel()
    weights = np.array([one[0] for one in tried]) + volume
    weights = np.exp(weights - weights.max())
    weights /= weights.sum()
    kept = [(weight, one[1]) for weight, one in zip(weights, tried, strict=True) if weight > 1e-4]
    total = sum(weight for weight, _ in kept)
    mean, own, shrunk, shared = (sum(weight * one[at] for weight, one in kept) / total for at in (0, 1, 2, 4))
    doubt = sum(weight * (one.variance + (one.estimate - shrunk) ** 2) for weight, one in kept) / total
    return Shrunk(np.asarray(mean), float(own), np.asarray(shrunk), np.asarray(doubt), np.asarray(shared))


def _given(
    estimate: Floats, variance: Floats, category: Ints, own: float, apart: float
) -> tuple[float, Shrunk]:
    """The logarithm of the likelihood of a spread, and what it makes of the estimates."""
    count = int(category.max()) + 1
    weight = 1 / (variance + own**2)
    told = np.maximum(np.bincount(category, weight, count), NONE)  # precision of a category's own mean
    centre = np.bincount(category, weight * estimate, count) / told
    held = 1 / (1 / told + apart**2)
    shop = float((held * centre).sum() / held.sum())
    likely = np.log(weight).sum() - (weight * (estimate - centre[category]) ** 2).sum() - np.log(told).sum()
    likely += np.log(held).sum() - (held * (centre - shop) ** 2).sum() - np.log(held.sum())
    for spread, usual in ((own, USUAL[0]), (apart, USUAL[1])):
        likely -= (np.log(spread / usual) / TIMES) ** 2 + 2 * np.log(spread)
    trust = apart**2 / (apart**2 + 1 / told)
    mean = shop + trust * (centre - shop)
    mean_variance = trust / told + (1 - trust) ** 2 / held.sum()
    prior = variance * weight  # the share of a product's estimate that comes from its category
    shrunk = (1 - prior) * estimate + prior * mean[category]
    shared = prior**2 * mean_variance[category]
    doubt = prior * own**2 + shared
    return float(likely) / 2, Shrunk(mean[category], own**2, shrunk, doubt, shared)


def means(estimate: Floats, error: Floats, shared: Floats, category: Ints) -> tuple[Floats, Floats]:
    """The mean estimate of each category (C) and its standard error: what its products err by in common
    stays, what each errs by alone cancels out. All of N products; `error` holds `shared`.
    """
    count = int(category.max()) + 1
    many = np.maximum(np.bincount(category, minlength=count), 1)
    columns = (estimate, np.maximum(error**2 - shared**2, 0.0), shared**2)
    mean, own, common = (np.bincount(category, column, count) / many for column in columns)
    return mean, np.sqrt(common + own / many)
