"""What a ranker knows of a candidate: the one definition, for training and for serving.

Of the shopper it takes what they did in this shop and nothing else: no attribute of a person.
"""

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import decay
from services.recsys.domain.blending import Blend
from services.recsys.domain.catalogue import Catalogue
from services.recsys.domain.context import Context
from services.recsys.domain.placements import Source
from services.recsys.domain.ranker import Ranker
from services.recsys.domain.shop import Shop
from services.recsys.domain.taste import Taste

MOST_RANKED = 200
"""The best candidates of a blend, which a ranker puts in order; the others keep theirs behind them."""

NAMES = (
    *(f"given by {source.name}" for source in Source),
    "popularity",  # log of its share
    "growth",
    "times bought",
    "days since it was bought or looked at",  # -1 for never, to the shopper's latest signal
    "liking of its shelf",  # share of the shopper's strength
    "liking of its brand",
    "price over what the shopper pays on its shelf",  # log ratio, 0 when unknown
    "price",  # log, 0 for none
    "products known of the shopper",  # log
)

Features = NDArray[np.float32]


def features(shop: Shop, on: Context, blend: Blend, places: NDArray[np.int64]) -> Features:
    """(places, NAMES): of the candidates at these places of a blend."""
    rows = blend.rows[places]
    table = np.zeros((len(rows), len(NAMES)), np.float32)
    columns = [list(Source).index(source) for source in blend.sources]
    table[:, columns] = blend.given[places]
    table[:, len(Source) :] = np.column_stack(
        (
            np.log(shop.popular.share[rows] + 1e-6),
            shop.popular.growth[rows],
            *_own(on.taste, rows),
            *_liking(shop.catalogue, on.taste, rows),
            *_prices(shop.catalogue, on.taste, rows),
            np.full(len(rows), np.log1p(len(on.taste))),
        )
    )
    return table


def _own(taste: Taste, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How often the shopper bought each row, and how many days ago they last had to do with it."""
    order = np.argsort(taste.rows)
    at = np.searchsorted(taste.rows, rows, sorter=order)
    entry = order[np.minimum(at, len(order) - 1)] if len(order) else np.zeros(len(rows), np.int64)
    known = taste.rows[entry] == rows if len(order) else np.zeros(len(rows), bool)
    times, days = np.zeros(len(rows)), np.full(len(rows), -1.0)
    times[known] = taste.times[entry[known]]
    days[known] = (taste.last.max(initial=0.0) - taste.last[entry[known]]) / decay.DAY
    return times, days


def _liking(
    catalogue: Catalogue, taste: Taste, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The part of the shopper's strength that lies on each row's shelf, and in its brand."""
    strength = taste.strength()
    shelves, brands = catalogue.shelves(), catalogue.brands()
    shelf = _share(shelves[taste.rows], strength, shelves[rows])
    brand = _share(brands[taste.rows], strength, brands[rows])
    return shelf, brand


def _share(
    mine: NDArray[np.int32], strength: NDArray[np.float64], codes: NDArray[np.int32]
) -> NDArray[np.float64]:
    most = int(max(mine.max(initial=0), codes.max(initial=0))) + 1
    sums = np.bincount(mine, strength, most) / max(float(strength.sum()), 1e-12)
    sums[0] = 0.0
    return np.asarray(sums[codes])


def _prices(
    catalogue: Catalogue, taste: Taste, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each price over the mean of what the shopper bought on its shelf, as logs, and the price's own log."""
    prices, shelves = catalogue.prices(), catalogue.shelves()
    bought = taste.rows[taste.owned & (prices[taste.rows] > 0)]
    most = int(shelves.max(initial=0)) + 1
    counts = np.bincount(shelves[bought], minlength=most)
    usual = np.bincount(shelves[bought], np.log(prices[bought]), most) / np.maximum(counts, 1)
    own = np.log(np.maximum(prices[rows], 1))
    known = (counts[shelves[rows]] > 0) & (prices[rows] > 0)
    return np.where(known, own - usual[shelves[rows]], 0.0), own


def ordered(shop: Shop, on: Context, ranker: Ranker, blend: Blend) -> NDArray[np.float64]:
    """Scores by which the ranker's order of the best candidates stands before all others."""
    total = blend.total()
    if not len(total):
        return total
    best = strongest(total)
    scores = 0.999 * total / max(float(total.max()), 1e-12)
    scores[best] = 1.0 + 1.0 / (1.0 + np.exp(-ranker.score(features(shop, on, blend, best))))
    return scores


def strongest(total: NDArray[np.float64]) -> NDArray[np.int64]:
    """The places of the MOST_RANKED greatest, in any order."""
    if len(total) <= MOST_RANKED:
        return np.arange(len(total))
    return np.argpartition(-total, MOST_RANKED)[:MOST_RANKED]
