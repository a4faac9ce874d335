"""Learns which products are bought together from baskets."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.recsys.domain.neighbours import MAX_NEIGHBOURS, Neighbours

SHRINK = 5.0
"""A pair seen together n times counts n / (n + SHRINK) of its similarity: few baskets prove little."""

MIN_TOGETHER = 2
"""A pair in fewer baskets is chance."""

POPULARITY_POWER = 0.3
"""How much a popular neighbour is damped: 0 not at all, 0.5 as cosine does, 1 as lift does."""

MAX_BASKET = 200
"""Larger orders are a business's, and cost the square of their size; they are left out."""

_BLOCK = 2048


def learn(
    ids: Sequence[str],
    baskets: NDArray[np.int32],
    items: NDArray[np.int32],
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    shrink: float = SHRINK,
    power: float = POPULARITY_POWER,
) -> Neighbours:
    """Neighbours from lines: items[i] lay in baskets[i]; both number from 0, `ids` names the items.

    similarity(a -> b) = together / (bought(a) ** (1 - power) * bought(b) ** power), shrunk; it is cosine
    at power 0.5. Memory stays near that of a block of products times what goes with them.
    """
    lines = _lines(baskets, items, len(ids))
    by_item = lines.T.tocsr()
    bought = np.maximum(np.diff(by_item.indptr), 1).astype(np.float64)
    starts, others, similarities = [0], [], []
    for first in range(0, len(ids), _BLOCK):
        together = (by_item[first : first + _BLOCK] @ lines).tocsr()
        for offset in range(together.shape[0]):
            item = first + offset
            part = slice(together.indptr[offset], together.indptr[offset + 1])
            near, score = _nearest(item, together.indices[part], together.data[part], bought, shrink, power)
            others.append(near)
            similarities.append(score)
            starts.append(starts[-1] + len(near))
        progress(min(first + _BLOCK, len(ids)), len(ids))
    return Neighbours(
        ids,
        np.array(starts, dtype=np.int64),
        np.concatenate([*others, np.zeros(0, np.int32)]).astype(np.int32),
        np.concatenate([*similarities, np.zeros(0, np.float32)]).astype(np.float32),
    )


def _lines(baskets: NDArray[np.int32], items: NDArray[np.int32], count: int) -> sparse.csr_matrix:
    """Baskets by items, 1 where an item lay in a basket however often, without the oversized."""
    shape = (int(baskets.max(initial=-1)) + 1, count)
    lines = sparse.csr_matrix((np.ones(len(items), np.float32), (baskets, items)), shape=shape)
    lines.sum_duplicates()
    lines.data[:] = 1.0
    return lines[np.diff(lines.indptr) <= MAX_BASKET]


def _nearest(
    item: int,
    others: NDArray[np.int32],
    together: NDArray[np.float32],
    bought: NDArray[np.float64],
    shrink: float,
    power: float,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    kept = (together >= MIN_TOGETHER) & (others != item)
    others, counts = others[kept], together[kept].astype(np.float64)
    scores = counts / (bought[item] ** (1 - power) * bought[others] ** power) * counts / (counts + shrink)
    if len(others) > MAX_NEIGHBOURS:
        best = np.argpartition(-scores, MAX_NEIGHBOURS)[:MAX_NEIGHBOURS]
        others, scores = others[best], scores[best]
    order = np.lexsort((others, -scores))
    return others[order], scores[order].astype(np.float32)
