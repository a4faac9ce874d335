"""Puts given products into a shopper's order."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from services.recsys.domain import reasons
from services.recsys.domain.blending import gather
from services.recsys.domain.context import Asked, context_of
from services.recsys.domain.errors import RequestError
from services.recsys.domain.filters import EVERYTHING
from services.recsys.domain.placements import RANKED
from services.recsys.domain.ports import Knowledge
from services.recsys.domain.reasons import Reason
from services.recsys.domain.recommend import Answer, Recommended
from services.recsys.domain.shop import Shop
from services.recsys.domain.sources.candidates import Named

DEFAULT_WEIGHT = 0.3


def rank(knowledge: Knowledge, shopper: Sequence[str], product_ids: Sequence[str], weight: float) -> Answer:
    """Every given product once. score = (1 - weight) * place in the given order + weight * affinity.

    With weight 0 the given order stays as it is; else ids that are not in the catalogue keep their order
    behind the others. Raises RequestError for a weight outside [0, 1] and for repeated ids.
    """
    if not 0.0 <= weight <= 1.0:
        raise RequestError("personal_weight lies between 0 and 1", "personal_weight")
    if len(set(product_ids)) < len(product_ids):
        raise RequestError("a product is given twice", "product_ids")
    with knowledge.shop() as shop:
        places = {product_id: 1 - at / len(product_ids) for at, product_id in enumerate(product_ids)}
        if weight == 0.0:
            kept = [Recommended(product_id, place, reasons.KEPT) for product_id, place in places.items()]
            return Answer(kept, shop.version)
        known = {shop.catalogue.ids[row]: row for row in shop.catalogue.rows(product_ids)}
        affinity = _affinities(knowledge, shop, shopper, list(known.values()))
        ranked = []
        for product_id, place in places.items():
            liked, reason = affinity.get(known.get(product_id, -1), (0.0, reasons.KEPT))
            behind = 0.0 if product_id in known else 1.0
            ranked.append(Recommended(product_id, (1 - weight) * place + weight * liked - behind, reason))
        ranked.sort(key=lambda one: -one.score)
        return Answer(ranked, shop.version)


def _affinities(
    knowledge: Knowledge, shop: Shop, shopper: Sequence[str], rows: Sequence[int]
) -> dict[int, tuple[float, Reason]]:
    """How much the shopper likes each row, in [0, 1], and why; rows without a sign of liking are left out."""
    on = context_of(knowledge, shop, RANKED, Asked(shopper), EVERYTHING, ())
    given = np.zeros_like(on.allowed)
    given[list(rows)] = True
    parts = shop.parts(RANKED)
    blended = gather(shop, replace(on, allowed=on.allowed & given), parts)
    liked = dict(zip(blended.rows.tolist(), (blended.total() / sum(parts.values())).tolist(), strict=True))
    named = Named()
    return {row: (liked[row], blended.reason(row, named)) for row in rows if row in liked}
