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

_BLOCK = 256


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
    for first in range(0, len(ranked), _BLOCK):
        lists = _lists(ranked[first : first + _BLOCK, :k], vectors.shape[0])
        shown = np.diff(lists.indptr)
        alone = lists @ (lengths > 0)
        together = (lists @ vectors).power(2).sum(axis=1).A1 if lists.nnz else np.zeros(len(shown))
        pairs = np.maximum(shown * (shown - 1), 1)
        values[first : first + _BLOCK] = 1 - np.maximum(together - alone, 0) / pairs
    return values


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


def _lists(shown: Ranked, items: int) -> sparse.csr_matrix:
    """(cases, items), 1.0 where an item is shown."""
    row, rank = np.nonzero(shown >= 0)
    ones = np.ones(len(row), np.float32)
    return sparse.csr_matrix((ones, (row, shown[row, rank])), shape=(len(shown), items))
