"""What a shopper's past foretells: what is bought again, and what trained models make of it."""

from collections.abc import Callable

import numpy as np

from services.recsys.domain import reasons
from services.recsys.domain.context import Context
from services.recsys.domain.interactions import Past
from services.recsys.domain.reasons import Reason
from services.recsys.domain.shop import Shop
from services.recsys.domain.sources.candidates import NOTHING, POOL, Candidates, best
from services.recsys.domain.sources.together import taste_words
from services.recsys.domain.trained import Role

TELLING = 3
"""Products of a past that speak most for an answer, of which the reason names one."""


def repeats(shop: Shop, on: Context) -> Candidates:
    """What the shopper bought, by frequency and recency."""
    frequency = on.taste.frequency()
    kept = np.flatnonzero((frequency > 0) & on.allowed[on.taste.rows])
    return Candidates(
        on.taste.rows[kept], frequency[kept], lambda i: reasons.buy_again(int(on.taste.times[kept[i]]))
    )


def collaborative(shop: Shop, on: Context) -> Candidates:
    """What shoppers of this taste take, as the collaborative model has learnt it."""
    return modelled(shop, on, Role.COLLABORATIVE, on.past, taste_words(shop, on.taste))


def sequence(shop: Shop, on: Context) -> Candidates:
    """What comes next after all that the shopper took, as the sequence model has learnt it."""
    return modelled(shop, on, Role.SEQUENCE, on.past, taste_words(shop, on.taste))


def next_basket(shop: Shop, on: Context) -> Candidates:
    """What the next order holds, as the basket model has learnt it."""
    return modelled(shop, on, Role.BASKET, on.orders, taste_words(shop, on.taste))


def modelled(shop: Shop, on: Context, role: Role, past: Past, words: Callable[[int], Reason]) -> Candidates:
    """What a role's model answers to a past; the reason names the product of it that speaks most."""
    served = shop.model(role)
    if served is None or not len(known := served.known(past)):
        return NOTHING
    rows, scores, state = served.scores(role, known, on.allowed, POOL)
    rows, scores = best(rows, scores)
    own = dict(zip(on.taste.rows.tolist(), on.taste.times.tolist(), strict=True))

    def why(i: int) -> Reason:
        row = int(rows[i])
        if own.get(row):
            return reasons.buy_again(own[row])
        seeds = np.array(served.told(role, state, row), np.int64)
        living = seeds[shop.catalogue.alive(seeds)][:TELLING]
        # Of those that speak most, the one that fewest buy: what everybody buys explains little.
        return (
            words(int(living[np.argmin(shop.popular.share[living])])) if len(living) else reasons.YOUR_TASTE
        )

    return Candidates(rows, scores, why)
