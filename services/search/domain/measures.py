"""How good an answer is against judgements, and how sure a mean over queries is."""

import math
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Final, TypedDict

import numpy as np

TOP: Final = 10
DEPTH: Final = 200
"""Products of an answer whose recall is measured."""

TOP_GRADE: Final = 3
RESAMPLES: Final = 1_000

Grades = Mapping[str, int]
"""A query's grades, 0 to TOP_GRADE, by product id."""


class Estimate(TypedDict):
    """A mean and the ends of its 95% interval."""

    value: float
    low: float | None
    high: float | None


def measures(found: Sequence[str], grades: Grades) -> dict[str, float]:
    """One query's figures. Condensed: products without a judgement are taken out of the answer first."""
    good = {product for product, grade in grades.items() if grade > 0}
    condensed = [product for product in found if product in grades]
    first = next((rank for rank, product in enumerate(found[:TOP], 1) if product in good), 0)
    return {
        f"ndcg@{TOP}": ndcg(found, grades),
        f"ndcg@{TOP}_condensed": ndcg(condensed, grades),
        f"recall@{DEPTH}": len(good.intersection(found)) / len(good) if good else 0.0,
        f"mrr@{TOP}": 1 / first if first else 0.0,
        "zero_result_rate": float(not found),
    }


def ndcg(found: Sequence[str], grades: Grades) -> float:
    """Discounted gain of the first TOP over the best there can be: gain grade/3, discount log2(rank + 1)."""
    ideal = _gain(sorted(grades.values(), reverse=True))
    return _gain([grades.get(product, 0) for product in found]) / ideal if ideal else 0.0


def _gain(grades: Sequence[int]) -> float:
    return sum(grade / TOP_GRADE / math.log2(rank + 1) for rank, grade in enumerate(grades[:TOP], 1))


def interval(values: Sequence[float]) -> Estimate:
    """The mean and its 95% bootstrap interval (Efron's percentiles), the same at every run."""
    draws = np.random.default_rng(0).choice(np.asarray(values), (RESAMPLES, len(values)))
    low, high = np.quantile(draws.mean(axis=1), (0.025, 0.975))
    return {"value": mean(values), "low": float(low), "high": float(high)}


def paired(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """By how much the first is above the second on the same queries."""
    return interval([one - other for one, other in zip(first, second, strict=True)])
