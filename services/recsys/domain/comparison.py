"""The figures of one model on a protocol's cases, and of two models on the same cases."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from services.recsys.domain import metrics
from services.recsys.domain.interactions import Interactions
from services.recsys.domain.metrics import Estimate, Ranked, Values
from services.recsys.domain.models.model import Model, Progress, silent
from services.recsys.domain.protocols import Cases

CUTS = (10, 20)
"""The k that metrics are told at."""

_EACH = 256


@dataclass(frozen=True)
class Measured:
    """What a model answered, its figures by metric and case, and those that only all cases have together."""

    ranked: Ranked
    by_case: Mapping[str, Values]
    overall: Mapping[str, float]


class Difference(NamedTuple):
    """One model less another, the mean over the same cases: its interval, the share of resamples below 0."""

    value: float
    low: float
    high: float
    below: float


def rank(model: Model, cases: Cases, count: int, progress: Progress = silent) -> Ranked:
    """The best `count` items for each case, of all that there are; -1 where there are no more."""
    ranked = np.full((len(cases), count), -1, np.int32)
    allowed = np.ones(cases.past.items, bool)
    for case in range(len(cases)):
        past = cases.past.past(case)
        if not cases.repeats:
            allowed[past.items] = False
        best, _ = model.recommend(model.state(past), allowed, count)
        ranked[case, : len(best)] = best
        allowed[past.items] = True
        if not case % _EACH:
            progress(f"asking {model.name}", case, len(cases))
    return ranked


def measure(
    model: Model, cases: Cases, learnt: Interactions, cuts: Iterable[int] = CUTS, progress: Progress = silent
) -> Measured:
    """All figures of a model that learnt from `learnt`."""
    cuts = tuple(cuts)
    return figures(rank(model, cases, max(cuts), progress), cases, learnt, cuts)


def figures(ranked: Ranked, cases: Cases, learnt: Interactions, cuts: Iterable[int] = CUTS) -> Measured:
    """All figures of answers, whoever gave them, at least as long as the longest cut."""
    hits = metrics.hits(ranked, cases.wanted)
    wanted = np.diff(cases.wanted.indptr)
    taken, popularity = learnt.matrix(), learnt.popularity()
    by_case: dict[str, Values] = {}
    overall: dict[str, float] = {}
    for k in cuts:
        found = {
            **metrics.accuracy(hits, wanted, k),
            "novelty": metrics.novelty(ranked, popularity, learnt.users, k),
            "diversity": metrics.diversity(ranked, taken, k),
            "popularity": metrics.popularity_bias(ranked, popularity, k),
        }
        by_case |= {f"{name}@{k}": values for name, values in found.items()}
        overall[f"coverage@{k}"] = metrics.coverage(ranked, learnt.items, k)
        overall[f"gini@{k}"] = metrics.gini(ranked, learnt.items, k)
    return Measured(ranked, by_case, overall)


def summary(by_case: Mapping[str, Values]) -> dict[str, Estimate]:
    """Each metric's mean over the cases with its interval, all from the same resamples."""
    columns = np.column_stack(list(by_case.values()))
    low, high = np.percentile(metrics.resampled(columns), [2.5, 97.5], axis=0)
    figures = zip(columns.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True)
    return {name: Estimate(*figure) for name, figure in zip(by_case, figures, strict=True)}


def paired(first: Mapping[str, Values], second: Mapping[str, Values]) -> dict[str, Difference]:
    """By how much the first is above the second, case by case, for every metric that both have."""
    names = [name for name in first if name in second]
    columns = np.column_stack([first[name] - second[name] for name in names])
    means = metrics.resampled(columns)
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    below = (means < 0).mean(axis=0)
    rows = zip(columns.mean(axis=0).tolist(), low.tolist(), high.tolist(), below.tolist(), strict=True)
    return {name: Difference(*row) for name, row in zip(names, rows, strict=True)}
