"""What is like products by what is said of them: category, brand and words."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import reasons
from services.recsys.domain.context import Context
from services.recsys.domain.reasons import Reason
from services.recsys.domain.shop import Shop
from services.recsys.domain.sources.candidates import MOST_SEEDS, NOTHING, Candidates, Named, Rows, best

FORETOLD_POPULAR = 0.25
"""The power of popularity by which what words foretell is weighed."""


def like_context(shop: Shop, on: Context) -> Candidates:
    """What shares its main category (2) or its brand (1) with the context, popular ones first."""
    catalogue = shop.catalogue

    def words(row: int, seed: int) -> Reason:
        product, like = catalogue.product(row), catalogue.product(seed)
        category = int(catalogue.main_categories()[row])
        if category and category == catalogue.main_categories()[seed]:
            return reasons.shares_category(catalogue.name(category), like.title, like.id)
        return reasons.shares_brand(product.brand, like.title, like.id)

    return alike(shop, np.array(on.context[-MOST_SEEDS:], dtype=np.int64), on.allowed, words)


def foretold(shop: Shop, on: Context) -> Candidates:
    """What products of such words as the context's are bought with: for those that nobody bought yet."""
    meaning = shop.served.meaning if shop.served else None
    seeds = np.array(on.context[-MOST_SEEDS:], dtype=np.int64)
    if meaning is None or not len(seeds):
        return NOTHING
    likeness = np.maximum(meaning.likeness(shop.catalogue, seeds, np.ones(len(seeds))), 0.0)
    scores = np.where(on.allowed, likeness, 0.0) * shop.popular.share[: len(on.allowed)] ** FORETOLD_POPULAR
    rows = np.flatnonzero(scores)
    rows, scores = best(rows, scores[rows])
    latest = shop.catalogue.product(int(seeds[-1]))
    return Candidates(rows, scores, lambda *_: reasons.foretold(latest.title, latest.id))


def on_liked_shelves(shop: Shop, on: Context) -> Candidates:
    """All that stands on shelves from which the shopper buys, by how much each shelf is liked."""
    catalogue, taste = shop.catalogue, on.taste
    liking = np.bincount(catalogue.shelves(taste.rows), taste.strength(), minlength=1)
    liking[0] = 0.0  # products without a category
    rows = np.flatnonzero(on.allowed)
    shelves = catalogue.shelves(rows)
    scores = np.where(shelves < len(liking), liking[np.minimum(shelves, len(liking) - 1)], 0.0)
    rows, shelves, scores = rows[scores > 0], shelves[scores > 0], scores[scores > 0]
    return Candidates(rows, scores, lambda i, _: reasons.from_liked(catalogue.name(int(shelves[i]))))


def alike(
    shop: Shop, seeds: Rows, allowed: NDArray[np.bool_], words: Callable[[int, int], Reason]
) -> Candidates:
    """What shares its main category (2) or its brand (1) with a seed; words(row, seed) tells of which."""
    if not len(seeds):
        return NOTHING
    categories, brands = shop.catalogue.main_categories(), shop.catalogue.brands()
    same_category, same_brand = _among(categories, seeds), _among(brands, seeds)
    likeness = np.where(allowed, 2.0 * same_category + same_brand, 0.0)
    rows = np.flatnonzero(likeness)
    rows, scores = best(rows, (likeness[rows] + shop.popular.share[rows] * 0.99) / 4)

    def why(i: int, _: Named) -> Reason:
        row = int(rows[i])
        kind = categories if same_category[row] else brands
        return words(row, int(seeds[np.flatnonzero(kind[seeds] == kind[row])[0]]))

    return Candidates(rows, scores, why)


def _among(codes: NDArray[np.int32], rows: Rows) -> NDArray[np.bool_]:
    """Which codes, other than 0, are those of one of the rows."""
    wanted = np.zeros(int(codes.max(initial=0)) + 1, bool)
    wanted[codes[rows]] = True
    wanted[0] = False
    return np.asarray(wanted[codes])
