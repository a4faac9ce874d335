"""What the visit that is going on asks for."""

from dataclasses import replace

import numpy as np

from services.recsys.domain import reasons
from services.recsys.domain.context import Context
from services.recsys.domain.reasons import Reason
from services.recsys.domain.shop import Shop
from services.recsys.domain.sources.alike import alike
from services.recsys.domain.sources.candidates import NOTHING, Candidates
from services.recsys.domain.sources.past import modelled
from services.recsys.domain.sources.together import neighbours
from services.recsys.domain.trained import Role

VISIT_SEEDS = 10
VISIT_FADE = 0.8
"""The latest products of a visit that count, each this much of the one after it."""


def visit(shop: Shop, on: Context) -> Candidates:
    """What others went on to in such visits; else what goes with this one's products, or is like them."""

    def words(seed: int) -> Reason:
        product = shop.catalogue.product(seed)
        return reasons.like_viewed(product.title, product.id)

    if not len(on.visit):
        return NOTHING
    allowed = on.allowed.copy()
    allowed[on.visit.items] = False
    on = replace(on, allowed=allowed)
    found = modelled(shop, on, Role.SESSION, on.visit, words)
    if len(found.rows):
        return found
    seen = on.visit.items[::-1][:VISIT_SEEDS].astype(np.int64)
    seeds = seen[shop.catalogue.alive(seen)]
    strengths = np.power(VISIT_FADE, np.arange(len(seeds), dtype=np.float64))
    found = neighbours(shop, seeds, strengths, on.allowed, words)
    return found if len(found.rows) else alike(shop, seeds[:1], on.allowed, lambda _, seed: words(seed))
