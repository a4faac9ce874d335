"""Blends a placement's sources into one answer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.blending import gather
from services.recsys.domain.context import Asked, Context, context_of
from services.recsys.domain.features import ordered
from services.recsys.domain.filters import EVERYTHING, Filter
from services.recsys.domain.placements import MIXES, SIMILAR, Mix, Placement, Source
from services.recsys.domain.ports import Knowledge
from services.recsys.domain.reasons import Reason
from services.recsys.domain.rerank import AS_IT_IS, Adjustments, rerank
from services.recsys.domain.shop import Shop
from services.recsys.domain.slate import Draw, Ranked, in_order
from services.recsys.domain.sources.candidates import Named


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
        ranker = shop.ranker(mix)
        # A ranker learnt from what every source gave; left unasked, a source would be a feature of 0.
        enough = 2 * count if ranker is None else math.inf
        blended = gather(shop, on, shop.parts(mix), enough)
        total = blended.total() if ranker is None else ordered(shop, on, ranker, blended)
        rows, scores = _included(shop, on, blended.rows, total, wishes)
        best, values = rerank(shop.catalogue, rows, scores, on.tired, wishes, count, spare=count)
        ids = [shop.catalogue.ids[row] for row in best.tolist()]
        slate = draw(Ranked(best, values, ids), count)
        named = Named()
        products = [
            Recommended(shop.catalogue.ids[row], score, blended.reason(row, named), propensity)
            for row, score, propensity in zip(
                slate.rows.tolist(), slate.scores.tolist(), slate.propensities.tolist(), strict=True
            )
        ]
        fallback = len(mix.parts) > 1 and blended.sources == [Source.POPULAR]
        return Answer(products, shop.version, fallback)


def _included(
    shop: Shop, on: Context, rows: NDArray[np.int64], scores: NDArray[np.float64], wishes: Adjustments
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The candidates, and with nothing to speak for them what the shop wants shown."""
    named = np.array(shop.catalogue.rows(wishes.include), np.int64)
    more = np.setdiff1d(named[on.allowed[named]], rows)
    return np.concatenate([rows, more]), np.concatenate([scores, np.zeros(len(more))])
