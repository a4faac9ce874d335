"""Chooses a model's settings, and which models answer, on the validation part alone."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.recsys.domain import members, metrics
from services.recsys.domain.choice import Choice, Tried, Tuned
from services.recsys.domain.comparison import rank
from services.recsys.domain.grids import CUT, GRIDS, MOST_LINES, MOST_TRIED, SEARCHED_WITH, Grid, Settings
from services.recsys.domain.interactions import Interactions
from services.recsys.domain.models.model import Progress, silent
from services.recsys.domain.models.registry import MODELS
from services.recsys.domain.protocols import Cases, Split, fixed_split

CASES = 8000
"""At most so many validation cases are asked, drawn by a seed."""

ASKED, WEIGHED = 200_000_000, 100_000_000
"""Cases times items by which settings, and a blend's weights, are found: fewer cases of many items."""

FEWEST = 1000
"""Of those cases that there are, so many are asked whatever the items."""


@dataclass(frozen=True)
class Bench:
    """What models are tried on: what they learn from, the cases, and the k that counts."""

    train: Interactions
    cases: Cases
    cut: int


def choose(
    protocol: str, split: Split, names: Sequence[str] | None = None, progress: Progress = silent
) -> Choice:
    """The best of these models and their settings, or their blend; by default of all that the table holds.

    A model that cannot learn without torch has no part where there is none. Raises ValueError when none can.
    """
    grids = GRIDS[protocol]
    lines = len(split.train.item)
    names = names or tuple(name for name in grids if lines <= MOST_LINES.get(name, lines))
    bench = bench_of(split, CUT.get(protocol, 10))
    tried: list[Tried] = []
    tuned, unable = [], []
    for name in names:
        try:
            tuned.append(_tune(name, grids.get(name, {}), bench, tried, progress))
        except ImportError as reason:
            unable.append(f"{name} cannot learn: {reason}")
    if not tuned:
        raise ValueError("; ".join(unable))
    if len(tuned) > 1 and len(bench.cases):
        few = bench.cases.part(max(FEWEST, WEIGHED // max(bench.train.items, 1)))
        return replace(members.blend(tuned, few, bench.cut, progress), tried=tuple(tried))
    best = members.first(tuned)
    return Choice(((best.name, best.settings),), goal=best.goal, tried=tuple(tried))


def bench_of(split: Split, cut: int) -> Bench:
    """The train and validation parts; of large data those of some shoppers, drawn by a seed."""
    train, cases = split.train, split.validation
    if len(train.item) > MOST_TRIED:
        count = max(1, train.users * MOST_TRIED // len(train.item))
        drawn = np.sort(np.random.default_rng(0).choice(train.users, count, replace=False))
        train, cases = train.of_users(drawn), cases.of(drawn)
    most = min(CASES, max(2 * FEWEST, ASKED // max(train.items, 1)))
    return Bench(train, cases.part(most), cut)


def goal(ranked: metrics.Ranked, cases: Cases, cut: int) -> float:
    """The mean of recall and NDCG at `cut`; 0 without cases."""
    if not len(cases):
        return 0.0
    return metrics.goal(metrics.hits(ranked, cases.wanted), np.diff(cases.wanted.indptr), cut)


def settings_for(
    name: str, grid: Grid, beside: Settings, data: Interactions, progress: Progress = silent
) -> Settings:
    """The best of these settings on a tenth of each shopper's items, each tried beside what is given."""
    nothing = data.only(np.zeros(len(data.item), bool))
    return _vary(name, grid, beside, bench_of(fixed_split(data, nothing), 10), [], progress).settings


def _tune(name: str, grid: Grid, bench: Bench, tried: list[Tried], progress: Progress) -> Tuned:
    """The best settings; those of a dear model are found with fewer items, and the best tried with all.

    Raises ImportError for a model that cannot learn here.
    """
    cheaper = {k: v for k, v in SEARCHED_WITH.get(name, {}).items() if bench.train.items > v}
    best = _vary(name, grid, cheaper, bench, tried, progress)
    if not cheaper:
        return best
    return members.first([best, _attempt(name, best.settings, {}, bench, tried, progress)])


def _vary(
    name: str, grid: Grid, beside: Settings, bench: Bench, tried: list[Tried], progress: Progress
) -> Tuned:
    """The best settings found by varying one after the other; the first of each where there are no cases."""
    best = _attempt(
        name, {setting: values[0] for setting, values in grid.items()}, beside, bench, tried, progress
    )
    for setting, values in grid.items():
        others = [
            _attempt(name, {**best.settings, setting: value}, beside, bench, tried, progress)
            for value in values[1:]
            if len(bench.cases)
        ]
        best = max([best, *others], key=lambda found: found.goal)
    return best


def _attempt(
    name: str, settings: Settings, beside: Settings, bench: Bench, tried: list[Tried], progress: Progress
) -> Tuned:
    """A model fitted with these settings and measured; those `beside` them are no part of the answer."""
    begun = time.process_time()
    model = MODELS[name](**settings, **beside).fit(bench.train, progress)
    seconds = time.process_time() - begun
    found = goal(rank(model, bench.cases, bench.cut, progress), bench.cases, bench.cut)
    tried.append(Tried(name, {**settings, **beside}, found, time.process_time() - begun))
    return Tuned(name, settings, model, found, seconds)
