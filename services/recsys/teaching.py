"""Teaches a mix its ranker: from lists that shoppers were shown where there are enough, else from orders."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from services.kit.examination import examination
from services.kit.progress import Progress
from services.recsys.adapters import ranker
from services.recsys.domain import mixing, pages
from services.recsys.domain.exploration.drawing import number_of
from services.recsys.domain.impressions import DEEPEST, Floats, Impression
from services.recsys.domain.pages import Page
from services.recsys.domain.placements import Mix, Source
from services.recsys.domain.ports import Knowledge
from services.recsys.domain.ranker import Ranker

LEAST_LISTS = 100
"""With fewer, a ranker learns chance."""

MOST_LISTS = 6_000
"""The latest lists of a mix that count: each costs as much as an answer."""

MEASURED = 3
"""Of so many shoppers who were shown lists, one measures and the others teach."""

Bought = Mapping[str, frozenset[str]]
"""By shopper, what was bought after all that is known."""


class Taught(NamedTuple):
    """The ranker, None where none pays, and what it learnt from, in words."""

    ranker: Ranker | None
    told: str


def teach(
    knowledge: Knowledge,
    mix: Mix,
    weights: Mapping[Source, float],
    bought: tuple[Bought, Bought],
    impressions: Sequence[Impression],
    progress: Progress,
) -> Taught:
    """The ranker that orders held-out lists better than the weights, by at least mixing.LEAST_GAIN.

    `bought`: later orders that teach, and others' that measure. Where shoppers were shown enough lists, those
    measure all rankers, and a ranker that learnt from them competes with the one that learnt from orders.
    """
    tell = partial(progress, f"ranking {mix.name}")
    lists = mixing.cases(knowledge, mix, bought[0], weights, tell)
    examples = [(case.features, case.hits[case.best]) for case in lists if case.hits[case.best].any()]
    learnt = ranker.learn(examples) if len(examples) >= LEAST_LISTS else None
    from_orders = Taught(learnt, f"{len(examples)} orders")
    mine = [one for one in impressions if one.mix == mix.name][-MOST_LISTS:]
    ours = [one for one in mine if number_of("measures", one.shopper) % MEASURED]
    theirs = [one for one in mine if not number_of("measures", one.shopper) % MEASURED]
    shown = pages.pages(knowledge, mix, ours, weights, tell)
    measuring = pages.pages(knowledge, mix, theirs, weights, tell)
    if len(shown) >= LEAST_LISTS <= len(measuring) * MEASURED:
        viewed = [(page.features, page.taken) for page in shown]
        from_lists = ranker.learn(viewed, [page.positions for page in shown])
        rivals = (from_orders, Taught(from_lists, f"{len(shown)} lists shown"))
        return _best(rivals, measuring, examined(ours))
    if (
        learnt
        and mixing.gain_of(learnt, mixing.cases(knowledge, mix, bought[1], weights)) > mixing.LEAST_GAIN
    ):
        return from_orders
    return Taught(None, "none pays")


def examined(impressions: Sequence[Impression]) -> Floats:
    """The chance that each position is looked at, over that of the first; (DEEPEST,)."""
    return examination([(one.products, one.positions, one.taken) for one in impressions], DEEPEST)


def _best(rivals: Sequence[Taught], measuring: Sequence[Page], looked: Floats) -> Taught:
    best, reached = Taught(None, "none pays"), pages.worth(measuring, looked, None)
    reached *= 1 + mixing.LEAST_GAIN
    for rival in rivals:
        if rival.ranker and (found := pages.worth(measuring, looked, rival.ranker)) > reached:
            best, reached = rival, found
    return best
