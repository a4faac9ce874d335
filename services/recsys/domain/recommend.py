"""Blends a placement's sources into one answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import reasons
from services.recsys.domain.context import Asked, Context, context_of
from services.recsys.domain.filters import EVERYTHING, Filter
from services.recsys.domain.placements import MIXES, SIMILAR, Mix, Placement, Source
from services.recsys.domain.ports import Knowledge
from services.recsys.domain.reasons import Reason
from services.recsys.domain.rerank import AS_IT_IS, Adjustments, rerank
from services.recsys.domain.shop import Shop
from services.recsys.domain.slate import Draw, Ranked, in_order
from services.recsys.domain.sources import SOURCES, Candidates


@dataclass(frozen=True, slots=True)
class Recommended:
    """A product, how good it is inside its answer, why it is there, and how probable that was."""

    product_id: str
    score: float
    reason: Reason
    propensity: float = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Products best first, what chose them, and whether it knew nothing of shopper or context."""

    products: Sequence[Recommended]
    version: str
    fallback: bool = False


@dataclass(frozen=True)
class Blend:
    """What a mix's sources gave: given[i, j] is what source j adds to rows[i], which rise.

    at[i, j] is the place of rows[i] among the candidates of source j, -1 when it is not one of them.
    """

    sources: Sequence[Source]
    found: Sequence[Candidates]
    rows: NDArray[np.int64]
    given: NDArray[np.float64]
    at: NDArray[np.int64]

    def reason(self, row: int) -> Reason:
        """That of the source which gave the row most; what no source gave, the shop wanted shown."""
        place = int(np.searchsorted(self.rows, row))
        if place == len(self.rows) or self.rows[place] != row:
            return reasons.PROMOTED
        most = int(np.argmax(self.given[place]))
        return self.found[most].why(int(self.at[place, most]))


def recommend(
    knowledge: Knowledge,
    placement: Placement,
    asked: Asked,
    wanted: Filter,
    exclude: Sequence[str],
    count: int,
    wishes: Adjustments = AS_IT_IS,
    draw: Draw = in_order,
) -> Answer:
    """At most `count` products for a placement."""
    return blend(knowledge, MIXES[placement], asked, wanted, exclude, count, wishes, draw)


def similar(knowledge: Knowledge, product_id: str, wanted: Filter, count: int) -> Answer:
    """Products that go with one, then those that share its category or brand; empty for an unknown one."""
    return blend(knowledge, SIMILAR, Asked(context=[product_id]), wanted, count=count)


def blend(
    knowledge: Knowledge,
    mix: Mix,
    asked: Asked,
    wanted: Filter = EVERYTHING,
    exclude: Sequence[str] = (),
    count: int = 10,
    wishes: Adjustments = AS_IT_IS,
    draw: Draw = in_order,
) -> Answer:
    """At most `count` products of a mix."""
    with knowledge.shop() as shop:
        on = context_of(knowledge, shop, mix, asked, wanted, exclude)
        blended = gather(shop, on, shop.parts(mix))
        rows, scores = _included(shop, on, blended, wishes)
        best, values = rerank(shop.catalogue, rows, scores, on.tired, wishes, count, spare=count)
        ids = [shop.catalogue.ids[row] for row in best.tolist()]
        slate = draw(Ranked(best, values, ids), count)
        products = [
            Recommended(shop.catalogue.ids[row], score, blended.reason(row), propensity)
            for row, score, propensity in zip(
                slate.rows.tolist(), slate.scores.tolist(), slate.propensities.tolist(), strict=True
            )
        ]
        fallback = len(mix.parts) > 1 and blended.sources == [Source.POPULAR]
        return Answer(products, shop.version, fallback)


def gather(shop: Shop, on: Context, parts: Mapping[Source, float]) -> Blend:
    """Asks every source that weighs something; its best candidate gets its weight, the others less."""
    asked = {source: SOURCES[source](shop, on) for source, weight in parts.items() if weight > 0}
    found = {source: candidates for source, candidates in asked.items() if len(candidates.rows)}
    rows = np.unique(np.concatenate([np.zeros(0, np.int64), *(one.rows for one in found.values())]))
    given = np.zeros((len(rows), len(found)))
    at = np.full(given.shape, -1, np.int64)
    for column, (source, candidates) in enumerate(found.items()):
        places = np.searchsorted(rows, candidates.rows)
        given[places, column] = candidates.scores * (parts[source] / candidates.scores.max())
        at[places, column] = np.arange(len(places))
    return Blend(list(found), list(found.values()), rows, given, at)


def _included(
    shop: Shop, on: Context, blended: Blend, wishes: Adjustments
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The candidates, and with nothing to speak for them what the shop wants shown."""
    named = np.array(shop.catalogue.rows(wishes.include), np.int64)
    more = np.setdiff1d(named[on.allowed[named]], blended.rows)
    return np.concatenate([blended.rows, more]), np.concatenate(
        [blended.given.sum(axis=1), np.zeros(len(more))]
    )
