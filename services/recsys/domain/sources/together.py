"""What goes with products: what lay in one basket with them, from the co-occurrence model."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import reasons
from services.recsys.domain.context import Context
from services.recsys.domain.models.itemrows import ItemRows, summed
from services.recsys.domain.reasons import Reason
from services.recsys.domain.shop import Shop
from services.recsys.domain.sources.candidates import (
    MOST_SEEDS,
    NOTHING,
    Candidates,
    Named,
    Rows,
    Scores,
    best,
)
from services.recsys.domain.taste import Taste
from services.recsys.domain.trained import Role


def neighbours_of_taste(shop: Shop, on: Context) -> Candidates:
    """What goes with what the shopper bought or looked at."""
    taste, strength = on.taste, on.taste.strength()
    living = np.flatnonzero((strength > 0) & shop.catalogue.alive(taste.rows))
    seeds = living[np.argsort(-strength[living], kind="stable")[:MOST_SEEDS]]
    return neighbours(shop, taste.rows[seeds], strength[seeds], on.allowed, taste_words(shop, taste))


def neighbours_of_context(shop: Shop, on: Context) -> Candidates:
    """What lies in one basket with the context."""
    seeds = np.array(on.context[-MOST_SEEDS:], dtype=np.int64)

    def words(seed: int) -> Reason:
        product = shop.catalogue.product(seed)
        return reasons.bought_together(product.title, product.id)

    return neighbours(shop, seeds, np.ones(len(seeds)), on.allowed, words)


def taste_words(shop: Shop, taste: Taste) -> Callable[[int], Reason]:
    """Says of a product whether it was bought or only looked at."""
    owned = set(taste.rows[taste.owned].tolist())

    def words(seed: int) -> Reason:
        product = shop.catalogue.product(seed)
        say = reasons.because_you_bought if seed in owned else reasons.because_you_looked
        return say(product.title, product.id)

    return words


def neighbours(
    shop: Shop,
    seeds: Rows,
    strengths: Scores,
    allowed: NDArray[np.bool_],
    words: Callable[[int], Reason],
) -> Candidates:
    """Sums each seed's strength times nearness; the reason names the most telling seed."""
    served = shop.model(Role.COOCCURRENCE)
    model = served.trained.models[Role.COOCCURRENCE] if served else None
    if served is None or not isinstance(model, ItemRows) or not len(seeds):
        return NOTHING
    numbers = served.numbers(seeds)
    seeds, strengths, numbers = seeds[numbers >= 0], strengths[numbers >= 0], numbers[numbers >= 0]
    near = model.links[numbers]
    lengths, others = np.diff(near.indptr), served.rows[near.indices]
    origins, nearness = np.repeat(seeds, lengths), near.data.astype(np.float64)
    rows, sums = summed(others, nearness * np.repeat(strengths, lengths), len(allowed))
    kept = allowed[rows] & (sums > 0)
    rows, scores = best(rows[kept], sums[kept])

    def why(i: int, named: Named) -> Reason:
        mine = np.flatnonzero(others == rows[i])
        # What everybody buys goes with everything: it explains little. So does what was named before.
        telling = nearness[mine] / (0.05 + shop.popular.share[origins[mine]]) ** 0.3
        telling /= 1.0 + np.array([named[origin] for origin in origins[mine].tolist()])
        seed = int(origins[mine[np.argmax(telling)]])
        named[seed] += 1
        return words(seed)

    return Candidates(rows, scores, why)
