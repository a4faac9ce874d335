"""Chooses a model's settings, and a hybrid's members and weights, on the validation part alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import metrics
from services.recsys.domain.comparison import rank
from services.recsys.domain.grids import CUT, GRIDS, MOST_LINES, Grid, Settings
from services.recsys.domain.models.hybrid import SCALES, Hybrid
from services.recsys.domain.models.model import Model, Progress, silent
from services.recsys.domain.models.registry import MODELS
from services.recsys.domain.protocols import Cases, Split

WEIGHTS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5)
"""What a further member of a hybrid may weigh, the first weighing 1."""

CASES = 8000
"""At most so many validation cases are asked, drawn by a seed."""

WEIGHED = 100_000_000
"""Cases times items by which a blend's weights are found: fewer cases of many items, 1,000 at least."""

LEAST_GAIN = 0.01
"""A further member must raise the goal by this share of it: less is chance, and not worth its cost."""

_CANDIDATES = 100


@dataclass(frozen=True)
class Choice:
    """Models with settings, their weights, and how their scores are made comparable; and all that was tried.

    Goals are the mean of recall and NDCG at the protocol's k, over validation cases.
    """

    members: tuple[tuple[str, Settings], ...]
    weights: tuple[float, ...] = (1.0,)
    scale: str = "standard"
    goal: float = 0.0
    tried: tuple[tuple[str, Settings, float], ...] = field(default=())

    def build(self) -> Model:
        """The chosen model, not yet fitted."""
        members = [MODELS[name](**settings) for name, settings in self.members]
        return members[0] if len(members) == 1 else Hybrid(members, self.weights, self.scale)

    def alone(self, name: str) -> "Choice":
        """The best that was tried of one model."""
        _, settings, goal = max((tried for tried in self.tried if tried[0] == name), key=lambda each: each[2])
        return Choice(((name, settings),), goal=goal, tried=self.tried)

    def words(self) -> str:
        """The choice in one line."""
        parts = zip(self.members, self.weights, strict=True)
        words = [f"{weight:g} x {name} {dict(settings)}" for (name, settings), weight in parts]
        return " + ".join(words) + (f", scores {self.scale}" if len(words) > 1 else "")

    def told(self) -> dict[str, Any]:
        """The choice as plain data."""
        rows = zip(self.members, self.weights, strict=True)
        members = [{"model": name, "settings": dict(kept), "weight": w} for (name, kept), w in rows]
        tried = [{"model": name, "settings": dict(s), "validation": goal} for name, s, goal in self.tried]
        return {"members": members, "scale": self.scale, "validation": self.goal, "tried": tried}


@dataclass(frozen=True)
class _Tuned:
    name: str
    settings: Settings
    model: Model
    goal: float


def choose(
    protocol: str, split: Split, names: Sequence[str] | None = None, progress: Progress = silent
) -> Choice:
    """The best of these models and their settings, or their blend; by default of all that the table holds.

    A model that cannot learn without torch has no part where there is none. Raises ValueError when none can.
    """
    grids = GRIDS[protocol]
    lines = len(split.train.item)
    names = names or tuple(name for name in grids if lines <= MOST_LINES.get(name, lines))
    cut = CUT.get(protocol, 10)
    cases = split.validation.part(CASES)
    tried: list[tuple[str, Settings, float]] = []
    tuned, unable = [], []
    for name in names:
        try:
            tuned.append(_tune(name, grids.get(name, {}), split, cases, cut, tried, progress))
        except ImportError as reason:
            unable.append(f"{name} cannot learn: {reason}")
    if not tuned:
        raise ValueError("; ".join(unable))
    tuned.sort(key=lambda each: -each.goal)
    best = Choice(((tuned[0].name, tuned[0].settings),), goal=tuned[0].goal)
    if len(tuned) > 1:
        most = max(1000, WEIGHED // max(split.train.items, 1))
        best = _blend(tuned, cases.part(most), cut, progress)
    return Choice(best.members, best.weights, best.scale, best.goal, tuple(tried))


def goal(ranked: metrics.Ranked, cases: Cases, cut: int) -> float:
    """The mean of recall and NDCG at `cut`."""
    return _goal(metrics.hits(ranked, cases.wanted), np.diff(cases.wanted.indptr), cut)


def _goal(hits: metrics.Hits, wanted: NDArray[np.int64], cut: int) -> float:
    figures = metrics.accuracy(hits, wanted, cut)
    return float((figures["recall"].mean() + figures["ndcg"].mean()) / 2)


def _tune(
    name: str,
    grid: Grid,
    split: Split,
    cases: Cases,
    cut: int,
    tried: list[tuple[str, Settings, float]],
    progress: Progress,
) -> _Tuned:
    """The best settings found by varying one after the other.

    Raises ImportError for a model that cannot learn here.
    """

    def attempt(settings: Settings) -> _Tuned:
        model = MODELS[name](**settings).fit(split.train, progress)
        found = goal(rank(model, cases, cut, progress), cases, cut) if len(cases) else 0.0
        tried.append((name, settings, found))
        return _Tuned(name, settings, model, found)

    best = attempt({setting: values[0] for setting, values in grid.items()})
    for setting, values in grid.items():
        others = [attempt({**best.settings, setting: value}) for value in values[1:]]
        best = max([best, *others], key=lambda found: found.goal)
    return best


def _blend(tuned: Sequence[_Tuned], cases: Cases, cut: int, progress: Progress) -> Choice:
    """Adds to the best model, one by one, whichever other at whichever weight helps most, while it helps."""
    candidates, scores = _candidates([found.model for found in tuned], cases, progress)
    flags = metrics.hits(candidates, cases.wanted)
    wanted = np.diff(cases.wanted.indptr)
    best = Choice(((tuned[0].name, tuned[0].settings),), goal=tuned[0].goal)
    for scale, table in scores.items():
        weights = np.zeros(len(tuned), np.float32)
        weights[0] = 1.0
        reached = best_so_far = _blended(table, weights, flags, wanted, cut)
        while True:
            moves = [(at, w) for at in range(1, len(tuned)) for w in (0.0, *WEIGHTS) if w != weights[at]]
            for at, weight in moves:
                changed = weights.copy()
                changed[at] = weight
                found = _blended(table, changed, flags, wanted, cut)
                if found > best_so_far:
                    best_so_far, better = found, changed
            if best_so_far <= reached * (1 + LEAST_GAIN):
                break
            reached, weights = best_so_far, better
        if reached > best.goal * (1 + LEAST_GAIN):
            kept = np.flatnonzero(weights).tolist()
            members = tuple((tuned[at].name, tuned[at].settings) for at in kept)
            best = Choice(members, tuple(round(float(weights[at]), 3) for at in kept), scale, reached)
    return best


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


def _blended(
    table: NDArray[np.float32],
    weights: NDArray[np.float32],
    flags: metrics.Hits,
    wanted: NDArray[np.int64],
    cut: int,
) -> float:
    used = np.flatnonzero(weights)
    total = table[:, :, used] @ weights[used]
    best = np.argpartition(-total, min(cut, total.shape[1]) - 1, axis=1)[:, :cut]
    order = np.take_along_axis(
        best, np.argsort(-np.take_along_axis(total, best, 1), axis=1, kind="stable"), 1
    )
    return _goal(np.take_along_axis(flags, order, 1), wanted, cut)
