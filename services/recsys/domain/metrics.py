"""How good rankings are, each by its cut k: what was foreseen, and what kind of items are shown.

All take `hits` or `ranked` of shape (cases, at least k) and give one value a case, unless they say otherwise.
A rank that holds nothing is -1 in `ranked` and never a hit.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

RESAMPLES = 1000
"""Bootstrap resamples behind an interval."""

Values = NDArray[np.float64]
Hits = NDArray[np.bool_]
Ranked = NDArray[np.int32]

_LISTS, _ROWS = 50_000, 128
"""Lists, and items, whose likenesses are found at a time: what bounds the memory."""


class Estimate(NamedTuple):
    """A mean with its 95% bootstrap interval."""

    value: float
    low: float
    high: float


def hits(ranked: Ranked, wanted: sparse.csr_matrix) -> Hits:
    """Which ranks hold a wanted item; `wanted` is (cases, items)."""
    cases, items = wanted.shape
    row = np.repeat(np.arange(cases, dtype=np.int64), np.diff(wanted.indptr))
    found = np.isin(np.arange(cases)[:, None] * items + ranked, row * items + wanted.indices)
    return np.asarray(found & (ranked >= 0))


def accuracy(hits: Hits, wanted: NDArray[np.int64], k: int) -> Mapping[str, Values]:
    """What was foreseen in the first k; `wanted` is how many items each case wants, at least one.

    recall: hits / wanted. hit: 1 where there is a hit. ndcg: discount 1 / log2(rank + 1), over the best
    that min(k, wanted) hits can give (Järvelin and Kekäläinen 2002). mrr: 1 / rank of the first hit. map:
    the precision at each hit, summed, over min(k, wanted).
    """
    hits = hits[:, :k]
    ranks = np.arange(1, k + 1)[: hits.shape[1]]
    discount = 1 / np.log2(np.arange(2, k + 2))
    best = np.minimum(wanted, k)
    precision = hits.cumsum(axis=1) / ranks
    first = np.where(hits.any(axis=1), 1 / (hits.argmax(axis=1) + 1), 0.0)
    return {
        "recall": hits.sum(axis=1) / wanted,
        "ndcg": hits @ discount[: hits.shape[1]] / discount.cumsum()[best - 1],
        "mrr": first,
        "hit": hits.any(axis=1).astype(np.float64),
        "map": (precision * hits).sum(axis=1) / best,
    }


def goal(hits: Hits, wanted: NDArray[np.int64], k: int) -> float:
    """The mean of recall and NDCG over all cases: what choices are made by."""
    found = accuracy(hits, wanted, k)
    return float((found["recall"].mean() + found["ndcg"].mean()) / 2)


def novelty(ranked: Ranked, popularity: NDArray[np.int64], users: int, k: int) -> Values:
    """Mean self-information of the items shown, -log2 of the share of users who took them, in bits.

    An item that nobody took counts as if one user had (Zhou et al. 2010).
    """
    bits = -np.log2(np.maximum(popularity, 1) / max(users, 1))
    return _mean(ranked[:, :k], bits)


def popularity_bias(ranked: Ranked, popularity: NDArray[np.int64], k: int) -> Values:
    """Mean popularity percentile of the items shown: 0 for the least taken, 1 for the most; 0.5 is fair."""
    order = np.sort(popularity)
    below = np.searchsorted(order, popularity, "left") + np.searchsorted(order, popularity, "right")
    return _mean(ranked[:, :k], (below - 1) / 2 / max(len(popularity) - 1, 1))


def diversity(ranked: Ranked, taken: sparse.csr_matrix, k: int) -> Values:
    """1 - the mean cosine of all pairs in a list, where an item is the vector of the users who took it.

    `taken` is (users, items). Items that nobody took stand apart from all others (Ziegler et al. 2005).
    """
    vectors = taken.T.tocsr().astype(np.float32)
    lengths = np.sqrt(np.diff(vectors.indptr))
    vectors = sparse.diags(1 / np.maximum(lengths, 1)).dot(vectors).tocsr()
    values = np.ones(len(ranked))
    for first in range(0, len(ranked), _LISTS):
        lists = ranked[first : first + _LISTS, :k]
        left, right = (lists[:, places] for places in np.triu_indices(lists.shape[1], 1))
        there = (left >= 0) & (right >= 0)
        alike = np.zeros(there.shape)
        alike[there] = _cosines(vectors, left[there], right[there])
        values[first : first + _LISTS] = 1 - alike.sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    return values


def _cosines(vectors: sparse.csr_matrix, left: NDArray[np.int32], right: NDArray[np.int32]) -> Values:
    """The product of each pair of rows, each distinct pair found once: lists have many pairs in common."""
    low, high = np.minimum(left, right).astype(np.int64), np.maximum(left, right)
    pairs, places = np.unique(low * vectors.shape[0] + high, return_inverse=True)
    rows, columns = np.divmod(pairs, vectors.shape[0])
    items, number = np.unique(rows, return_inverse=True)
    found = np.zeros(len(pairs), np.float32)
    for first in range(0, len(items), _ROWS):
        part = slice(*np.searchsorted(number, (first, first + _ROWS)))
        products = (vectors[items[first : first + _ROWS]] @ vectors.T).toarray()
        found[part] = products[number[part] - first, columns[part]]
    return np.asarray(found[places], np.float64)


def coverage(ranked: Ranked, items: int, k: int) -> float:
    """The share of all items that stand in at least one list: one figure for all cases."""
    shown = ranked[:, :k]
    return len(np.unique(shown[shown >= 0])) / max(items, 1)


def gini(ranked: Ranked, items: int, k: int) -> float:
    """How unevenly items are shown: 0 when all are as often, near 1 when a few take it all."""
    shown = ranked[:, :k]
    counts = np.sort(np.bincount(shown[shown >= 0], minlength=items)).astype(np.float64)
    if not counts.sum():
        return 0.0
    ranks = np.arange(1, items + 1)
    return float(((2 * ranks - items - 1) * counts).sum() / (items * counts.sum()))


def estimate(values: Values | list[float], seed: int = 0) -> Estimate:
    """The mean of per-case values and its percentile bootstrap interval, the same at every call."""
    sample = np.asarray(values, np.float64)
    if not len(sample):
        return Estimate(0.0, 0.0, 0.0)
    low, high = np.percentile(resampled(sample[:, None], seed)[:, 0], [2.5, 97.5])
    return Estimate(float(sample.mean()), float(low), float(high))


def resampled(columns: Values, seed: int = 0) -> Values:
    """The means of each column (cases, columns) in each resample of the cases: (RESAMPLES, columns)."""
    draws = np.random.default_rng(seed)
    cases = len(columns)
    means = np.empty((RESAMPLES, columns.shape[1]))
    for at in range(RESAMPLES):
        counts = np.bincount(draws.integers(0, cases, cases), minlength=cases)
        means[at] = counts @ columns / cases
    return means


def _mean(shown: Ranked, of_item: Values) -> Values:
    """The mean of the shown items' values, 0 for an empty list."""
    there = shown >= 0
    total = np.where(there, of_item[shown], 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(there.sum(axis=1), 1), np.float64)
