"""Co-occurrence under the contract: what lay in the same baskets, or pasts where no basket is known."""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.recsys.domain import cooccurrence
from services.recsys.domain.interactions import Interactions
from services.recsys.domain.models.itemrows import ItemRows
from services.recsys.domain.models.model import Progress, silent


class CooccurrenceModel(ItemRows):
    """Adds up the similarities of cooccurrence.learn over the past, each item once.

    `shrink` and `power` are explained there, `latest` and `fade` at ItemRows.
    """

    name = "cooccurrence"

    def __init__(
        self,
        shrink: float = cooccurrence.SHRINK,
        power: float = cooccurrence.POPULARITY_POWER,
        latest: int = 100,
        fade: float = 1.0,
    ) -> None:
        super().__init__(latest, fade)
        self.shrink, self.power = shrink, power

    def fit(self, data: Interactions, progress: Progress = silent) -> Self:
        """Counts what lay together."""
        numbers = np.arange(data.items)
        found = cooccurrence.learn(
            numbers.astype(str).tolist(),
            _together(data),
            data.item,
            lambda done, total: progress("co-occurrence", done, total),
            shrink=self.shrink,
            power=self.power,
        )
        parts = (found.similarities, found.others, found.starts)
        self.links = sparse.csr_matrix(parts, shape=(data.items, data.items))
        self.links.sort_indices()
        return self


def _together(data: Interactions) -> NDArray[np.int32]:
    """Each line's basket, numbered over all shoppers; the shopper where every basket holds a single item.

    A shopper's past beyond cooccurrence.MAX_BASKET items is cut into pieces of that size.
    """
    step = (np.diff(data.user, prepend=-1) != 0) | (np.diff(data.basket, prepend=-1) != 0)
    if len(step) and not step.all():
        return (np.cumsum(step) - 1).astype(np.int32)
    place = np.arange(len(data.item)) - np.repeat(data.starts[:-1], np.diff(data.starts))
    piece = place // cooccurrence.MAX_BASKET
    _, numbers = np.unique(data.user * (piece.max(initial=0) + 1) + piece, return_inverse=True)
    return numbers.astype(np.int32)
