"""Where candidates come from: one function a source, each with its candidates' reasons."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import decay, reasons
from services.recsys.domain.context import Context
from services.recsys.domain.interactions import Past
from services.recsys.domain.models.itemrows import ItemRows
from services.recsys.domain.placements import Source
from services.recsys.domain.reasons import Reason
from services.recsys.domain.shop import Shop
from services.recsys.domain.taste import Taste
from services.recsys.domain.trained import Role

MOST_SEEDS = 100
"""A shopper's or a cart's strongest products whose neighbours are looked at."""

LIKED_SHELVES = 8
"""Shelves whose popular products a shopper is shown."""

TELLING = 3
"""Products of a past that speak most for an answer, of which the reason names one."""

VISIT_SEEDS = 10
VISIT_FADE = 0.8
"""The latest products of a visit that count, each this much of the one after it."""

OPENING, NEW_FOR, NEW_HALF_LIFE = 7 * decay.DAY, 30 * decay.DAY, 10 * decay.DAY
"""What the shop had in its first week is not new; nor is what came a month ago; a newcomer fades by half."""

NEW_PRIOR = 0.01
"""What a newcomer that nobody bought yet counts, over the most bought one."""

FORETOLD_POPULAR = 0.25
"""The power of popularity by which what words foretell is weighed."""

PER_SHELF = 25
POOL = 500
"""Candidates of one source: more than the longest answer, so that filters leave enough."""

POPULAR_ENOUGH = 10_000
"""The most popular products of which the popular ones of a shelf are taken."""

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
    return goes_with(shop, on.taste, on.allowed)


def goes_with(shop: Shop, taste: Taste, allowed: NDArray[np.bool_]) -> Candidates:
    """What goes with the products of a taste."""
    strength = taste.strength()
    living = np.flatnonzero((strength > 0) & shop.catalogue.alive(taste.rows))
    seeds = living[np.argsort(-strength[living], kind="stable")[:MOST_SEEDS]]
    return _neighbours(shop, taste.rows[seeds], strength[seeds], allowed, _taste_words(shop, taste))


def _taste_words(shop: Shop, taste: Taste) -> Callable[[int], Reason]:
    """Says of a product whether it was bought or only looked at."""
    owned = set(taste.rows[taste.owned].tolist())

    def words(seed: int) -> Reason:
        product = shop.catalogue.product(seed)
        say = reasons.because_you_bought if seed in owned else reasons.because_you_looked
        return say(product.title, product.id)

    return words


def neighbours_of_context(shop: Shop, on: Context) -> Candidates:
    """What lies in one basket with the context."""
    seeds = np.array(on.context[-MOST_SEEDS:], dtype=np.int64)

    def words(seed: int) -> Reason:
        product = shop.catalogue.product(seed)
        return reasons.bought_together(product.title, product.id)

    return _neighbours(shop, seeds, np.ones(len(seeds)), on.allowed, words)


def collaborative(shop: Shop, on: Context) -> Candidates:
    """What shoppers of this taste take, as the collaborative model has learnt it."""
    return _modelled(shop, on, Role.COLLABORATIVE, on.past, _taste_words(shop, on.taste))


def sequence(shop: Shop, on: Context) -> Candidates:
    """What comes next after all that the shopper took, as the sequence model has learnt it."""
    return _modelled(shop, on, Role.SEQUENCE, on.past, _taste_words(shop, on.taste))


def next_basket(shop: Shop, on: Context) -> Candidates:
    """What the next order holds, as the basket model has learnt it."""
    return _modelled(shop, on, Role.BASKET, on.orders, _taste_words(shop, on.taste))


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
    found = _modelled(shop, on, Role.SESSION, on.visit, words)
    if len(found.rows):
        return found
    seen = on.visit.items[::-1][:VISIT_SEEDS].astype(np.int64)
    seeds = seen[shop.catalogue.alive(seen)]
    strengths = np.power(VISIT_FADE, np.arange(len(seeds), dtype=np.float64))
    found = _neighbours(shop, seeds, strengths, on.allowed, words)
    return found if len(found.rows) else _alike(shop, seeds[:1], on.allowed, lambda _, seed: words(seed))


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
        lambda i: reasons.popular_in(names.name(int(names.shelves(found[i : i + 1])[0]))),
    )


def foretold(shop: Shop, on: Context) -> Candidates:
    """What products of such words as the context's are bought with: for those that nobody bought yet."""
    meaning = shop.served.meaning if shop.served else None
    seeds = np.array(on.context[-MOST_SEEDS:], dtype=np.int64)
    if meaning is None or not len(seeds):
        return NOTHING
    likeness = np.maximum(meaning.likeness(shop.catalogue, seeds, np.ones(len(seeds))), 0.0)
    scores = np.where(on.allowed, likeness, 0.0) * shop.popular.share[: len(on.allowed)] ** FORETOLD_POPULAR
    rows = np.flatnonzero(scores)
    rows, scores = _best(rows, scores[rows])
    latest = shop.catalogue.product(int(seeds[-1]))
    return Candidates(rows, scores, lambda _: reasons.foretold(latest.title, latest.id))


def like_context(shop: Shop, on: Context) -> Candidates:
    """What shares its main category (2) or its brand (1) with the context, popular ones first."""
    catalogue = shop.catalogue

    def words(row: int, seed: int) -> Reason:
        product, like = catalogue.product(row), catalogue.product(seed)
        category = int(catalogue.main_categories()[row])
        if category and category == catalogue.main_categories()[seed]:
            return reasons.shares_category(catalogue.name(category), like.title, like.id)
        return reasons.shares_brand(product.brand, like.title, like.id)

    return _alike(shop, np.array(on.context[-MOST_SEEDS:], dtype=np.int64), on.allowed, words)


def popular(shop: Shop, on: Context) -> Candidates:
    """What many buy now, in the segment if it is known; what nobody bought yet stands last."""
    there = shop.popular.within(on.asked.segment)
    rows = there.best(on.allowed, POOL)
    why = reasons.POPULAR if there is shop.popular else reasons.POPULAR_THERE
    return Candidates(rows, there.share[rows] + 1e-6, lambda _: why)


def trending(shop: Shop, on: Context) -> Candidates:
    """What has a greater part of all purchases of late than over longer, by how much greater."""
    growth = shop.popular.growth[: len(on.allowed)]
    rows = np.flatnonzero(on.allowed & (growth > 1.0) & (shop.popular.share > 0))
    rows, scores = _best(rows, growth[rows] - 1.0)
    return Candidates(rows, scores, lambda i: reasons.trending_in(_shelf(shop, rows[i])))


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
    rows, scores = _best(rows, scores)
    return Candidates(rows, scores, lambda i: reasons.new_in(_shelf(shop, rows[i])))


SOURCES: Mapping[Source, Callable[[Shop, Context], Candidates]] = MappingProxyType(
    {
        Source.REPEATS: repeats,
        Source.NEXT_BASKET: next_basket,
        Source.COLLABORATIVE: collaborative,
        Source.SEQUENCE: sequence,
        Source.VISIT: visit,
        Source.NEIGHBOURS_OF_TASTE: neighbours_of_taste,
        Source.POPULAR_IN_LIKED: popular_in_liked,
        Source.NEIGHBOURS_OF_CONTEXT: neighbours_of_context,
        Source.FORETOLD: foretold,
        Source.LIKE_CONTEXT: like_context,
        Source.POPULAR: popular,
        Source.TRENDING: trending,
        Source.NEW: new,
    }
)


def _modelled(shop: Shop, on: Context, role: Role, past: Past, words: Callable[[int], Reason]) -> Candidates:
    """What a role's model answers to a past; the reason names the product of it that speaks most."""
    served = shop.model(role)
    if served is None or not len(known := served.known(past)):
        return NOTHING
    rows, scores, state = served.scores(role, known, on.allowed, POOL)
    rows, scores = _best(rows, scores)
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


def _alike(
    shop: Shop, seeds: Rows, allowed: NDArray[np.bool_], words: Callable[[int, int], Reason]
) -> Candidates:
    """What shares its main category (2) or its brand (1) with a seed; words(row, seed) tells of which."""
    if not len(seeds):
        return NOTHING
    categories, brands = shop.catalogue.main_categories(), shop.catalogue.brands()
    same_category, same_brand = _among(categories, seeds), _among(brands, seeds)
    likeness = np.where(allowed, 2.0 * same_category + same_brand, 0.0)
    rows = np.flatnonzero(likeness)
    rows, scores = _best(rows, (likeness[rows] + shop.popular.share[rows] * 0.99) / 4)

    def why(i: int) -> Reason:
        row = int(rows[i])
        kind = categories if same_category[row] else brands
        return words(row, int(seeds[np.flatnonzero(kind[seeds] == kind[row])[0]]))

    return Candidates(rows, scores, why)


def _shelf(shop: Shop, row: np.int64) -> str:
    """The name of a row's shelf, "" for none."""
    return shop.catalogue.name(int(shop.catalogue.shelves(np.array([row]))[0]))


def _neighbours(
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
    sums = np.zeros(len(allowed))
    sums[:] = np.bincount(others, nearness * np.repeat(strengths, lengths), len(allowed))
    rows = np.flatnonzero(allowed & (sums > 0))
    rows, scores = _best(rows, sums[rows])

    def why(i: int) -> Reason:
        mine = np.flatnonzero(others == rows[i])
        # What everybody buys goes with everything: it explains little.
        telling = nearness[mine] / (0.05 + shop.popular.share[origins[mine]]) ** 0.3
        return words(int(origins[mine[np.argmax(telling)]]))

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
