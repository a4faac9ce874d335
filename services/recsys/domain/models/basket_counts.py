"""What the basket model counts: how often items are bought again, what follows what, what all buy lately."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.recsys.domain.cooccurrence import MAX_BASKET
from services.recsys.domain.interactions import Interactions
from services.recsys.domain.models.model import Progress, Scores

_BLOCK = 2048


@dataclass(frozen=True)
class Basket:
    """All baskets by items, 1.0 where an item lay in one, a shopper's baskets one after the other.

    Of each basket: `shopper`, and `age`, how many more that shopper had later.
    """

    lines: sparse.csr_matrix
    shopper: NDArray[np.int64]
    age: NDArray[np.int64]

    @classmethod
    def of(cls, data: Interactions) -> "Basket":
        """The baskets that hold anything."""
        step = (np.diff(data.user, prepend=-1) != 0) | (np.diff(data.basket, prepend=-1) != 0)
        number = np.cumsum(step) - 1
        first = np.flatnonzero(step)
        shape = (len(first), data.items)
        lines = sparse.csr_matrix((np.ones(len(number), np.float32), (number, data.item)), shape=shape)
        lines.sum_duplicates()
        lines.data[:] = 1.0
        shopper = data.user[first].astype(np.int64)
        ends = np.searchsorted(shopper, shopper, side="right")
        return cls(lines, shopper, ends - 1 - np.arange(len(first)))


def again(baskets: Basket, prior: float) -> Scores:
    """By item, how often a shopper who bought it has it in a later basket, drawn to the rate of all items.

    The purchases after each shopper's first one, over the baskets after that one.
    """
    lines = baskets.lines.tocoo()
    items = baskets.lines.shape[1]
    pair = baskets.shopper[lines.row] * items + lines.col
    _, first = np.unique(pair, return_index=True)
    bought = np.bincount(lines.col, minlength=items) - np.bincount(lines.col[first], minlength=items)
    waited = np.bincount(lines.col[first], baskets.age[lines.row[first]], items)
    rate = bought.sum() / max(waited.sum(), 1.0)
    rates: Scores = ((bought + prior * rate) / (waited + prior)).astype(np.float32)
    return rates


def share(baskets: Basket, trend: float) -> Scores:
    """Each item's part of all purchases, a basket counting trend ** age."""
    weights = np.power(float(trend), baskets.age)
    sums = np.asarray(baskets.lines.T @ weights).ravel()
    parts: Scores = (sums / max(sums.sum(), 1e-9)).astype(np.float32)
    return parts


def links(baskets: Basket, damping: float, strongest: int, progress: Progress) -> sparse.csr_matrix:
    """i -> j: how often j lies in the same or in the next basket, over bought(i) ** 0.8 bought(j) ** damping.

    A basket's items share one vote, so that large ones do not decide. Memory stays near that of a block of
    items times what follows them.
    """
    small = np.diff(baskets.lines.indptr) <= MAX_BASKET
    lines = sparse.diags(small.astype(np.float32)) @ baskets.lines
    bought = np.maximum(np.asarray(lines.sum(0)).ravel(), 1).astype(np.float32)
    votes = sparse.diags(1 / np.maximum(np.diff(baskets.lines.indptr), 1).astype(np.float32)) @ lines
    follows = lines + _next(baskets) @ lines
    by_item, items = votes.T.tocsr(), lines.shape[1]
    rows = []
    for start in range(0, items, _BLOCK):
        block = by_item[start : start + _BLOCK] @ follows @ sparse.diags(bought**-damping)
        rows.append(_strongest(block.tocsr(), start, strongest, bought[start : start + _BLOCK] ** -0.8))
        progress("baskets: what follows what", min(start + _BLOCK, items), items)
    return sparse.vstack(rows, format="csr") if rows else sparse.csr_matrix((0, 0), dtype=np.float32)


def _next(baskets: Basket) -> sparse.csr_matrix:
    """Baskets by baskets: 1.0 from each to the same shopper's next."""
    followed = np.flatnonzero(baskets.age > 0)
    ones = np.ones(len(followed), np.float32)
    count = len(baskets.age)
    return sparse.csr_matrix((ones, (followed, followed + 1)), shape=(count, count))


def _strongest(
    block: sparse.csr_matrix, start: int, count: int, scale: NDArray[np.float32]
) -> sparse.csr_matrix:
    """The block's rows, scaled, with their largest `count` entries each, none of an item to itself."""
    starts, others, weights = [0], [], []
    for row in range(block.shape[0]):
        part = slice(block.indptr[row], block.indptr[row + 1])
        near, worth = block.indices[part], block.data[part] * scale[row]
        kept = np.flatnonzero(near != start + row)
        if len(kept) > count:
            kept = kept[np.argpartition(-worth[kept], count)[:count]]
        kept = kept[np.argsort(near[kept])]
        others.append(near[kept])
        weights.append(worth[kept])
        starts.append(starts[-1] + len(kept))
    parts = (np.concatenate(weights).astype(np.float32), np.concatenate(others), np.array(starts))
    return sparse.csr_matrix(parts, shape=block.shape)
