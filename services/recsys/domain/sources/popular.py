"""What the whole shop shows: popular, popular on liked shelves, trending and new."""

import numpy as np

from services.recsys.domain import decay, reasons
from services.recsys.domain.context import Context
from services.recsys.domain.shop import Shop
from services.recsys.domain.sources.candidates import NOTHING, POOL, Candidates, best

LIKED_SHELVES = 8
"""Shelves whose popular products a shopper is shown."""

PER_SHELF = 25
POPULAR_ENOUGH = 10_000
"""At most so many products of a shelf, out of so many most popular ones of the shop."""

OPENING, NEW_FOR, NEW_HALF_LIFE = 7 * decay.DAY, 30 * decay.DAY, 10 * decay.DAY
"""What the shop had in its first week is not new; nor is what came a month ago; a newcomer fades by half."""

NEW_PRIOR = 0.01
"""What a newcomer that nobody bought yet counts, over the most bought one."""


def popular(shop: Shop, on: Context) -> Candidates:
    """What many buy now, in the segment if it is known; what nobody bought yet stands last."""
    there = shop.popular.within(on.asked.segment)
    rows = there.best(on.allowed, POOL)
    why = reasons.POPULAR if there is shop.popular else reasons.POPULAR_THERE
    return Candidates(rows, there.share[rows] + 1e-6, lambda *_: why)


def popular_in_liked(shop: Shop, on: Context) -> Candidates:
    """What is popular on the shelves that the shopper likes, each shelf by how much it is liked."""
    taste = on.taste
    if not len(taste):
        return NOTHING
    liking = np.bincount(shop.catalogue.shelves(taste.rows), taste.strength())
    liking[0] = 0.0  # products without a category
    liked = [int(shelf) for shelf in np.argsort(-liking, kind="stable")[:LIKED_SHELVES] if liking[shelf] > 0]
    best = shop.popular.best(on.allowed & (shop.popular.share > 0), POPULAR_ENOUGH)
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
        lambda i, _: reasons.popular_in(names.name(int(names.shelves(found[i : i + 1])[0]))),
    )


def trending(shop: Shop, on: Context) -> Candidates:
    """What has a greater part of all purchases of late than over longer, by how much greater."""
    growth = shop.popular.growth[: len(on.allowed)]
    rows = np.flatnonzero(on.allowed & (growth > 1.0) & (shop.popular.share > 0))
    rows, scores = best(rows, growth[rows] - 1.0)
    return Candidates(rows, scores, lambda i, _: reasons.trending_in(_shelf(shop, rows[i])))


def new(shop: Shop, on: Context) -> Candidates:
    """What came to the shop in its last weeks but not with its first products.

    By how much it is bought already, half as much for each NEW_HALF_LIFE of age, twice as much if liked.
    """
    since = shop.popular.since
    known = np.isfinite(since)
    if not known.any():
        return NOTHING
    begun, now = float(since[known].min()), max(float(since[known].max()), shop.popular.latest)
    fresh = known & (since > begun + OPENING) & (since > now - NEW_FOR)
    rows = np.flatnonzero(on.allowed & fresh)
    shelves = shop.catalogue.shelves(on.taste.rows)
    liked = np.isin(shop.catalogue.shelves(rows), shelves[shelves > 0])
    bought = shop.popular.share[rows] / max(float(shop.popular.share[rows].max(initial=0.0)), 1e-12)
    fresh_by = 2.0 ** ((since[rows] - now) / NEW_HALF_LIFE)
    scores = fresh_by * (bought + NEW_PRIOR) * np.where(liked, 2.0, 1.0)
    rows, scores = best(rows, scores)
    return Candidates(rows, scores, lambda i, _: reasons.new_in(_shelf(shop, rows[i])))


def _shelf(shop: Shop, row: np.int64) -> str:
    """The name of a row's shelf, "" for none."""
    return shop.catalogue.name(int(shop.catalogue.shelves(np.array([row]))[0]))
