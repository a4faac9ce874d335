"""Puts given products into a shopper's order."""

from collections.abc import Sequence

import numpy as np

from services.recsys.domain import reasons
from services.recsys.domain.errors import RequestError
from services.recsys.domain.ports import Knowledge
from services.recsys.domain.reasons import Reason
from services.recsys.domain.recommend import Answer, Recommended
from services.recsys.domain.shop import Shop
from services.recsys.domain.sources.together import goes_with
from services.recsys.domain.taste import Taste

DEFAULT_WEIGHT = 0.3

BOUGHT, NEIGHBOUR, SHELF = 1.0, 0.5, 0.3
"""What the strongest of each kind adds to affinity: bought or looked at, goes with it, same shelf."""


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
        affinity = _affinities(shop, knowledge.taste(shopper), list(known.values()))
        ranked = []
        for product_id, place in places.items():
            liked, reason = affinity.get(known.get(product_id, -1), (0.0, reasons.KEPT))
            behind = 0.0 if product_id in known else 1.0
            ranked.append(Recommended(product_id, (1 - weight) * place + weight * liked - behind, reason))
        ranked.sort(key=lambda one: -one.score)
        return Answer(ranked, shop.version)


def _affinities(shop: Shop, taste: Taste, rows: Sequence[int]) -> dict[int, tuple[float, Reason]]:
    """How much the shopper likes each row, in [0, 1], and why; rows without a sign of liking are left out."""
    if not len(taste) or not len(rows):
        return {}
    strength = taste.strength()
    own = dict(zip(taste.rows.tolist(), (strength / max(strength.max(), 1e-12)).tolist(), strict=True))
    entry = {row: at for at, row in enumerate(taste.rows.tolist())}
    allowed = np.zeros(len(shop.catalogue), bool)
    allowed[list(rows)] = True
    near = goes_with(shop, taste, allowed)
    nearness = dict(zip(near.rows.tolist(), range(len(near.rows)), strict=True))
    liking = np.bincount(shop.catalogue.shelves(taste.rows), strength, minlength=1)
    liking[0] = 0.0
    most = max(float(liking.max()), 1e-12)
    shelves = shop.catalogue.shelves(np.array(rows, dtype=np.int64)).tolist()
    liked = {}
    for row, shelf in zip(rows, shelves, strict=True):
        bought = BOUGHT * own.get(row, 0.0)
        with_it = NEIGHBOUR * float(near.scores[nearness[row]] / near.scores[0]) if row in nearness else 0.0
        on_shelf = SHELF * float(liking[shelf]) / most if shelf < len(liking) else 0.0
        if bought + with_it + on_shelf > 0:
            if row in entry and taste.owned[entry[row]]:
                reason = reasons.buy_again(int(taste.times[entry[row]]))
            elif row in nearness and with_it >= on_shelf:
                reason = near.why(nearness[row])
            else:
                reason = reasons.from_liked(shop.catalogue.name(shelf))
            liked[row] = ((bought + with_it + on_shelf) / (BOUGHT + NEIGHBOUR + SHELF), reason)
    return liked
