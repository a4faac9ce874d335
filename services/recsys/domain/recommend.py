"""Blends a placement's sources into one answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.filters import EVERYTHING, Filter
from services.recsys.domain.placements import MIXES, SIMILAR, Bought, Mix, Placement, Source
from services.recsys.domain.ports import Knowledge
from services.recsys.domain.reasons import Reason
from services.recsys.domain.shop import Context, Shop
from services.recsys.domain.sources import SOURCES, Candidates
from services.recsys.domain.taste import Taste

OUT_OF_STOCK = -10.0
"""Added to the score of what cannot be bought now, so that it stands behind everything that can."""


@dataclass(frozen=True, slots=True)
class Recommended:
    """A product, how good it is inside its answer, and why it is there."""

    product_id: str
    score: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Answer:
    """Products best first, what chose them, and whether it knew nothing of shopper or context."""

    products: Sequence[Recommended]
    version: str
    fallback: bool = False


def recommend(
    knowledge: Knowledge,
    placement: Placement,
    shopper: Sequence[str],
    context: Sequence[str],
    wanted: Filter,
    exclude: Sequence[str],
    count: int,
) -> Answer:
    """At most `count` products for a placement; `shopper` are keys of signals.shopper_keys."""
    return blend(knowledge, MIXES[placement], shopper, context, wanted, exclude, count)


def blend(
    knowledge: Knowledge,
    mix: Mix,
    shopper: Sequence[str],
    context: Sequence[str] = (),
    wanted: Filter = EVERYTHING,
    exclude: Sequence[str] = (),
    count: int = 10,
) -> Answer:
    """At most `count` products of a mix."""
    with knowledge.shop() as shop:
        on = _context(shop, mix, knowledge.taste(shopper), context, wanted, exclude)
        products, used = _blend(shop, mix, on, count)
        return Answer(products, shop.version, len(mix.parts) > 1 and used == {Source.POPULAR})


def similar(knowledge: Knowledge, product_id: str, wanted: Filter, count: int) -> Answer:
    """Products that go with one, then those that share its category or brand; empty for an unknown one."""
    return blend(knowledge, SIMILAR, (), [product_id], wanted, count=count)


def _context(
    shop: Shop, mix: Mix, taste: Taste, context: Sequence[str], wanted: Filter, exclude: Sequence[str]
) -> Context:
    allowed = shop.catalogue.allowed(wanted)
    living = list(dict.fromkeys(shop.catalogue.rows(context)))
    allowed[living] = False
    allowed[shop.catalogue.rows(exclude)] = False
    if mix.bought is Bought.NEVER:
        allowed[taste.rows[taste.owned]] = False
    elif mix.bought is Bought.ONLY:
        owned = np.zeros_like(allowed)
        owned[taste.rows[taste.owned]] = True
        allowed &= owned
    return Context(taste, living, allowed)


def _blend(shop: Shop, mix: Mix, on: Context, count: int) -> tuple[list[Recommended], set[Source]]:
    """The best of all parts, and the sources that gave candidates."""
    found = {source: SOURCES[source](shop, on) for source in mix.parts}
    found = {source: candidates for source, candidates in found.items() if len(candidates.rows)}
    if not found:
        return [], set()
    total = np.zeros(len(on.allowed))
    shares = {source: _shares(candidates, mix.parts[source]) for source, candidates in found.items()}
    for source, candidates in found.items():
        total[candidates.rows] += shares[source]
    rows = np.flatnonzero(total)
    scores = np.where(shop.catalogue.in_stock(rows), 0.0, OUT_OF_STOCK) + total[rows]
    best = np.argsort(-scores, kind="stable")[:count]
    return [
        Recommended(shop.catalogue.ids[row], float(score), _reason(int(row), found, shares))
        for row, score in zip(rows[best], scores[best], strict=True)
    ], set(found)


def _shares(candidates: Candidates, weight: float) -> NDArray[np.float64]:
    return np.asarray(candidates.scores * (weight / candidates.scores.max()))


def _reason(row: int, found: dict[Source, Candidates], shares: dict[Source, NDArray[np.float64]]) -> Reason:
    """That of the source which gave the row most."""
    given = []
    for source, candidates in found.items():
        at = np.flatnonzero(candidates.rows == row)
        if len(at):
            given.append((float(shares[source][at[0]]), source, int(at[0])))
    _, source, at_best = max(given, key=lambda one: one[0])
    return found[source].why(at_best)
