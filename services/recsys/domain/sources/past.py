"""What a shopper's past foretells: what is bought again, and what trained models make of it."""

from collections.abc import Callable

import numpy as np

from services.recsys.domain import reasons
from services.recsys.domain.context import Context
from services.recsys.domain.interactions import Past
from services.recsys.domain.reasons import Reason
from services.recsys.domain.shop import Shop
from services.recsys.domain.sources.candidates import NOTHING, POOL, Candidates, Named, best
from services.recsys.domain.sources.together import taste_words
from services.recsys.domain.trained import Role

TELLING = 3
"""Products of a past that speak most for an answer, of which the reason names one."""


def own(shop: Shop, on: Context) -> Candidates:
    """What the shopper bought or looked at, by how much it speaks for the taste."""
    strength = on.taste.strength()
    kept = np.flatnonzero((strength > 0) & on.allowed[on.taste.rows])

    def why(i: int, _: Named) -> Reason:
        times = int(on.taste.times[kept[i]]) if on.taste.owned[kept[i]] else 0
        return reasons.buy_again(times) if times else reasons.LOOKED_AT

    return Candidates(on.taste.rows[kept], strength[kept], why)


def repeats(shop: Shop, on: Context) -> Candidates:
    """What the shopper bought, by frequency and recency."""
    frequency = on.taste.frequency()
    kept = np.flatnonzero((frequency > 0) & on.allowed[on.taste.rows])
    return Candidates(
        on.taste.rows[kept],
        frequency[kept],
        lambda i, _: reasons.buy_again(int(on.taste.times[kept[i]])),
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

    def why(i: int, named: Named) -> Reason:
        row = int(rows[i])
        if own.get(row):
            return reasons.buy_again(own[row])
        seeds = np.array(served.told(role, state, row), np.int64)
        living = seeds[shop.catalogue.alive(seeds)][:TELLING].tolist()
        if not living:
            return reasons.YOUR_TASTE
        # Of those that speak most, one not yet named; then the one that fewest buy, as it explains most.
        seed = min(living, key=lambda one: (named[one], shop.popular.share[one]))
        named[seed] += 1
        return words(seed)

    return Candidates(rows, scores, why)
