"""How good a ranking is: recall and NDCG of one list, and the mean of many with its interval."""

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
"""Bootstrap resamples behind an interval."""


class Estimate(NamedTuple):
    """A mean with its 95% bootstrap interval."""

    value: float
    low: float
    high: float


def recall(ranked: Sequence[object], relevant: Collection[object], k: int) -> float:
    """The share of the relevant items that stand in the first k; `relevant` is not empty."""
    return sum(item in relevant for item in ranked[:k]) / len(relevant)


def ndcg(ranked: Sequence[object], relevant: Collection[object], k: int) -> float:
    """Discounted gain of the first k over the best possible, each relevant item worth 1.

    Järvelin and Kekäläinen 2002 with the discount 1 / log2(position + 1), positions from 1.
    """
    gained = sum(1 / math.log2(at + 2) for at, item in enumerate(ranked[:k]) if item in relevant)
    return gained / sum(1 / math.log2(at + 2) for at in range(min(k, len(relevant))))


def estimate(values: Sequence[float] | NDArray[np.float64], seed: int = 0) -> Estimate:
    """The mean of per-shopper values and its percentile bootstrap interval, the same at every call."""
    sample = np.asarray(values, dtype=np.float64)
    if not len(sample):
        return Estimate(0.0, 0.0, 0.0)
    draws = np.random.default_rng(seed)
    means = [sample[draws.integers(0, len(sample), len(sample))].mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(sample.mean()), float(low), float(high))
