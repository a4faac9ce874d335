"""Where candidates come from: one function a source, each with its candidates' reasons."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import reasons
from services.recsys.domain.placements import Source
from services.recsys.domain.reasons import Reason
from services.recsys.domain.shop import Context, Shop

MOST_SEEDS = 100
"""A shopper's or a cart's strongest products whose neighbours are looked at."""

LIKED_SHELVES = 8
"""Shelves whose popular products a shopper is shown."""

PER_SHELF = 25
POOL = 1000
"""Candidates of one source: more than the longest answer, so that filters leave enough."""

Rows = NDArray[np.int64]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Candidates:
    """Distinct rows with scores above 0, and why(i): the reason of candidate number i."""

    rows: Rows
    scores: Scores
    why: Callable[[int], Reason]


NOTHING = Candidates(np.zeros(0, np.int64), np.zeros(0), lambda _: reasons.POPULAR)


def repeats(shop: Shop, on: Context) -> Candidates:
    """What the shopper bought, by frequency and recency."""
    frequency = on.taste.frequency()
    kept = np.flatnonzero((frequency > 0) & on.allowed[on.taste.rows])
    return Candidates(
        on.taste.rows[kept], frequency[kept], lambda i: reasons.buy_again(int(on.taste.times[kept[i]]))
    )


def neighbours_of_taste(shop: Shop, on: Context) -> Candidates:
    """What goes with what the shopper bought or looked at."""
    strength = on.taste.strength()
    living = np.flatnonzero((strength > 0) & shop.catalogue.alive(on.taste.rows))
    seeds = living[np.argsort(-strength[living], kind="stable")[:MOST_SEEDS]]
    owned = dict(zip(on.taste.rows[seeds].tolist(), on.taste.owned[seeds].tolist(), strict=True))

    def words(seed: int) -> Reason:
        product = shop.catalogue.product(seed)
        say = reasons.because_you_bought if owned[seed] else reasons.because_you_looked
        return say(product.title, product.id)

    return _neighbours(shop, on.taste.rows[seeds], strength[seeds], on.allowed, words)


def neighbours_of_context(shop: Shop, on: Context) -> Candidates:
    """What lies in one basket with the context."""
    seeds = np.array(on.context[-MOST_SEEDS:], dtype=np.int64)

    def words(seed: int) -> Reason:
        product = shop.catalogue.product(seed)
        return reasons.bought_together(product.title, product.id)

    return _neighbours(shop, seeds, np.ones(len(seeds)), on.allowed, words)


def popular_in_liked(shop: Shop, on: Context) -> Candidates:
    """What is popular on the shelves that the shopper likes, each shelf by how much it is liked."""
    taste = on.taste
    if not len(taste):
        return NOTHING
    shelves = shop.catalogue.shelves(taste.rows)
    liking = np.bincount(shelves, taste.strength())
    liking[0] = 0.0  # products without a category
    liked = [int(shelf) for shelf in np.argsort(-liking, kind="stable")[:LIKED_SHELVES] if liking[shelf] > 0]
    best = shop.popular.best(on.allowed & (shop.popular.share > 0), len(on.allowed))
    best_shelves = shop.catalogue.shelves(best)
    rows, scores = [], []
    for shelf in liked:
        top = best[best_shelves == shelf][:PER_SHELF]
        if len(top):
            share = shop.popular.share[top]
            rows.append(top)
            scores.append(liking[shelf] / liking[liked[0]] * share / share[0])
    if not rows:
        return NOTHING
    found = np.concatenate(rows)
    names = shop.catalogue
    return Candidates(
        found,
        np.concatenate(scores),
        lambda i: reasons.popular_in(names.name(int(names.shelves(found[i : i + 1])[0]))),
    )


def like_context(shop: Shop, on: Context) -> Candidates:
    """What shares its main category (2) or its brand (1) with the context, popular ones first."""
    catalogue, context = shop.catalogue, np.array(on.context[-MOST_SEEDS:], dtype=np.int64)
    if not len(context):
        return NOTHING
    categories, brands = catalogue.main_categories(), catalogue.brands()
    same_category = _among(categories, context)
    same_brand = _among(brands, context)
    likeness = np.where(on.allowed, 2.0 * same_category + same_brand, 0.0)
    rows = np.flatnonzero(likeness)
    scores = (likeness[rows] + shop.popular.share[rows] * 0.99) / 4
    rows, scores = _best(rows, scores)

    def why(i: int) -> Reason:
        row = int(rows[i])
        kind = categories if same_category[row] else brands
        seed = catalogue.product(int(context[np.flatnonzero(kind[context] == kind[row])[0]]))
        if same_category[row]:
            return reasons.shares_category(catalogue.name(int(kind[row])), seed.title, seed.id)
        return reasons.shares_brand(catalogue.product(row).brand, seed.title, seed.id)

    return Candidates(rows, scores, why)


def popular(shop: Shop, on: Context) -> Candidates:
    """What many buy now; what nobody bought yet stands last."""
    rows = shop.popular.best(on.allowed, POOL)
    return Candidates(rows, shop.popular.share[rows] + 1e-6, lambda _: reasons.POPULAR)


SOURCES: Mapping[Source, Callable[[Shop, Context], Candidates]] = MappingProxyType(
    {
        Source.REPEATS: repeats,
        Source.NEIGHBOURS_OF_TASTE: neighbours_of_taste,
        Source.POPULAR_IN_LIKED: popular_in_liked,
        Source.NEIGHBOURS_OF_CONTEXT: neighbours_of_context,
        Source.LIKE_CONTEXT: like_context,
        Source.POPULAR: popular,
    }
)


def _neighbours(
    shop: Shop,
    seeds: Rows,
    strengths: Scores,
    allowed: NDArray[np.bool_],
    words: Callable[[int], Reason],
) -> Candidates:
    """Sums each seed's strength times nearness; the reason names the most telling seed."""
    if shop.links is None or not len(seeds):
        return NOTHING
    found = [shop.links.of(int(seed)) for seed in seeds]
    lengths = [len(rows) for rows, _ in found]
    others = np.concatenate([rows for rows, _ in found])
    nearness = np.concatenate([near for _, near in found])
    origins = np.repeat(seeds, lengths)
    # What everybody buys goes with everything: it explains little.
    telling = nearness / (0.05 + shop.popular.share[origins]) ** 0.3
    sums = np.zeros(len(allowed))
    np.add.at(sums, others, nearness * np.repeat(strengths, lengths))
    sums[~allowed] = 0.0
    rows = np.flatnonzero(sums)
    rows, scores = _best(rows, sums[rows])

    def why(i: int) -> Reason:
        mine = np.flatnonzero(others == rows[i])
        return words(int(origins[mine[np.argmax(telling[mine])]]))

    return Candidates(rows, scores, why)


def _best(rows: Rows, scores: Scores) -> tuple[Rows, Scores]:
    if len(rows) > POOL:
        kept = np.sort(np.argpartition(-scores, POOL)[:POOL])
        rows, scores = rows[kept], scores[kept]
    order = np.argsort(-scores, kind="stable")
    return rows[order], scores[order]


def _among(codes: NDArray[np.int32], rows: Rows) -> NDArray[np.bool_]:
    """Which codes, other than 0, are those of one of the rows."""
    wanted = np.zeros(int(codes.max(initial=0)) + 1, bool)
    wanted[codes[rows]] = True
    wanted[0] = False
    return np.asarray(wanted[codes])
