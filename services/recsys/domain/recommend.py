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
    """What a mix's sources gave, each as a share of its weight, and their sum over the rows that have one."""

    found: dict[Source, Candidates]
    shares: dict[Source, NDArray[np.float64]]
    rows: NDArray[np.int64]
    scores: NDArray[np.float64]

    def reason(self, row: int) -> Reason:
        """That of the source which gave the row most; what no source gave, the shop wanted shown."""
        given = []
        for source, candidates in self.found.items():
            at = np.flatnonzero(candidates.rows == row)
            if len(at):
                given.append((float(self.shares[source][at[0]]), source, int(at[0])))
        if not given:
            return reasons.PROMOTED
        _, source, at_best = max(given, key=lambda one: one[0])
        return self.found[source].why(at_best)


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
        slate = draw(Ranked(best, values), count)
        products = [
            Recommended(shop.catalogue.ids[row], score, blended.reason(row), propensity)
            for row, score, propensity in zip(
                slate.rows.tolist(), slate.scores.tolist(), slate.propensities.tolist(), strict=True
            )
        ]
        fallback = len(mix.parts) > 1 and set(blended.found) == {Source.POPULAR}
        return Answer(products, shop.version, fallback)


def gather(shop: Shop, on: Context, parts: Mapping[Source, float]) -> Blend:
    """Asks every source that weighs something; its best candidate gets its weight, the others less."""
    found = {source: SOURCES[source](shop, on) for source, weight in parts.items() if weight > 0}
    found = {source: candidates for source, candidates in found.items() if len(candidates.rows)}
    shares = {
        source: np.asarray(candidates.scores * (parts[source] / candidates.scores.max()))
        for source, candidates in found.items()
    }
    rows = np.concatenate([np.zeros(0, np.int64), *(one.rows for one in found.values())])
    rows, places = np.unique(rows, return_inverse=True)
    worth = np.concatenate([np.zeros(0), *shares.values()])
    return Blend(found, shares, rows, np.bincount(places, worth, len(rows)).astype(np.float64))


def _included(
    shop: Shop, on: Context, blended: Blend, wishes: Adjustments
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The candidates, and with nothing to speak for them what the shop wants shown."""
    named = np.array(shop.catalogue.rows(wishes.include), np.int64)
    more = np.setdiff1d(named[on.allowed[named]], blended.rows)
    return np.concatenate([blended.rows, more]), np.concatenate([blended.scores, np.zeros(len(more))])
