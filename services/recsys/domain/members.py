"""Which models answer together, and what each weighs: found on validation cases, each worth its CPU."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import metrics, worth
from services.recsys.domain.choice import Choice, Tuned
from services.recsys.domain.models.hybrid import SCALES
from services.recsys.domain.models.model import Model, Progress
from services.recsys.domain.protocols import Cases

WEIGHTS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5)
"""What a further member may weigh, the first weighing 1."""

_CANDIDATES = 100

Weights = NDArray[np.float32]


@dataclass(frozen=True)
class _Scored:
    """Scores on one scale, (cases, candidates, models); which candidates are wanted, of how many; the k."""

    scores: NDArray[np.float32]
    flags: metrics.Hits
    wanted: NDArray[np.int64]
    cut: int

    def goal(self, weights: Weights) -> float:
        """What the models reach together with these weights."""
        used = np.flatnonzero(weights)
        total = self.scores[:, :, used] @ weights[used]
        best = np.argpartition(-total, min(self.cut, total.shape[1]) - 1, axis=1)[:, : self.cut]
        order = np.argsort(-np.take_along_axis(total, best, 1), axis=1, kind="stable")
        hits = np.take_along_axis(self.flags, np.take_along_axis(best, order, 1), 1)
        return metrics.goal(hits, self.wanted, self.cut)


def first(tuned: Sequence[Tuned]) -> Tuned:
    """The model that is best when its cost is counted."""
    return max(tuned, key=lambda each: worth.worth(each.goal, each.seconds))


def blend(tuned: Sequence[Tuned], cases: Cases, cut: int, progress: Progress) -> Choice:
    """The first model, and whatever others are worth it; on another scale where that is better by a GAIN."""
    chief = first(tuned)
    tuned = [chief, *(each for each in tuned if each is not chief)]
    candidates, scores = _candidates([found.model for found in tuned], cases, progress)
    flags, wanted = metrics.hits(candidates, cases.wanted), np.diff(cases.wanted.indptr)
    seconds = np.array([found.seconds for found in tuned])
    best, least = Choice(((chief.name, chief.settings),), goal=chief.goal), 0.0
    for scale, table in scores.items():
        weights, reached = _climb(_Scored(table, flags, wanted, cut), seconds)
        kept = np.flatnonzero(weights).tolist()
        if len(kept) > 1 and reached > least * (1 + worth.GAIN):
            members = tuple((tuned[at].name, tuned[at].settings) for at in kept)
            best = Choice(members, tuple(round(float(weights[at]), 3) for at in kept), scale, reached)
            least = reached
    return best


def _climb(scored: _Scored, seconds: NDArray[np.float64]) -> tuple[Weights, float]:
    """From the first model alone, one weight changed at a time, the best for its cost, while that pays."""
    weights = np.eye(1, len(seconds), dtype=np.float32)[0]
    reached = scored.goal(weights)
    while True:
        spent = seconds[weights > 0].sum()
        found = [(scored.goal(moved), moved) for moved in _moves(weights)]
        goal, moved = max(found, key=lambda it: it[0] / (1 + worth.needed(spent, seconds[it[1] > 0].sum())))
        if goal <= reached * (1 + worth.needed(spent, seconds[moved > 0].sum())):
            return weights, reached
        reached, weights = goal, moved


def _moves(weights: Weights) -> Iterator[Weights]:
    """Each weight but the first changed to each other value."""
    for at in range(1, len(weights)):
        for weight in (0.0, *WEIGHTS):
            if weight != weights[at]:
                moved = weights.copy()
                moved[at] = weight
                yield moved


def _candidates(
    models: Sequence[Model], cases: Cases, progress: Progress
) -> tuple[metrics.Ranked, dict[str, NDArray[np.float32]]]:
    """The best of each model for each case, and by scale their scores (cases, candidates, models)."""
    items = cases.past.items
    count = min(_CANDIDATES, items)
    shape = (len(cases), count * len(models))
    candidates = np.full(shape, -1, np.int32)
    scores = {scale: np.full((*shape, len(models)), -np.inf, np.float32) for scale in SCALES}
    for case in range(len(cases)):
        past = cases.past.past(case)
        given = [model.score(model.state(past)) for model in models]
        hidden = np.zeros(items, bool) if cases.repeats else np.isin(np.arange(items), past.items)
        tops = [np.argpartition(np.where(hidden, -np.inf, s), items - count)[items - count :] for s in given]
        found = np.unique(np.concatenate(tops))
        found = found[~hidden[found]]
        candidates[case, : len(found)] = found
        for scale, function in SCALES.items():
            for at, each in enumerate(given):
                scores[scale][case, : len(found), at] = function(each)[found]
        if not case % 256:
            progress("weighing the models", case, len(cases))
    return candidates, scores
