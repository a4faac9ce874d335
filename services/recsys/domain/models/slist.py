"""EASE in time: a linear item-to-item model of what follows a past, in closed form, for ordered data."""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.recsys.domain.interactions import Interactions
from services.recsys.domain.models.ease import Matrix, gram, invert, pruned
from services.recsys.domain.models.itemrows import ItemRows, among_all, most_taken
from services.recsys.domain.models.model import Progress, silent

_PLACES = 12
"""So far back a past is looked at in training, and so far ahead what follows."""

_BLOCK = 256

MOST = 16_000
"""Items that are learnt unless it is told otherwise: 1 GiB, and at the very most 4 GiB of pairs."""


class Slist(ItemRows):
    """Choi et al., "Session-aware Linear Item-Item Models" (2021), with EASE's diagonal of zeros and dropout.

    S has a row for each place of each past: the items up to there, fading backwards by `fade` a place, as a
    past is read in serving too. Y has what followed, fading by `ahead`. X is shoppers by items. With
    a = `whole`, G = a X'X + (1 - a) S'S, C = a X'X + (1 - a) S'Y, P = (G + l I + p / (1 - p) diag(G)) ** -1,
    the links are P C - P diag(m), where m makes their diagonal 0. `regularisation` is l and `dropout` p;
    `strongest`, `most` and the memory are those of Ease, plus 16 bytes for each pair that ever followed.
    """

    name = "slist"

    def __init__(
        self,
        regularisation: float = 100.0,
        dropout: float = 0.3,
        whole: float = 0.5,
        ahead: float = 0.5,
        strongest: int = 300,
        most: int = MOST,
        latest: int = 100,
        fade: float = 0.7,
    ) -> None:
        super().__init__(latest, fade)
        self.regularisation, self.dropout, self.whole, self.ahead = regularisation, dropout, whole, ahead
        self.strongest, self.most = strongest, most

    def fit(self, data: Interactions, progress: Progress = silent) -> Self:
        """Solves for the links."""
        known, items = most_taken(data, self.most)
        before, after = self._sides(known)
        inverse = gram(before, before, progress)
        invert(inverse, self.regularisation, self.dropout)
        progress("SLIST: solved", 1, 1)
        links = _links(inverse, (before.T @ after).tocsr(), self.strongest)
        self.links = among_all(links, items, data.items)
        return self

    def _sides(self, data: Interactions) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
        """X over S, and X over Y, each weighted so that their products are G and C."""
        states, futures = followed(data, self.fade, self.ahead)
        taken = data.matrix() * np.float32(self.whole**0.5)
        part = np.float32((1 - self.whole) ** 0.5)
        return sparse.vstack([taken, states * part], "csr"), sparse.vstack([taken, futures * part], "csr")


def followed(data: Interactions, fade: float, ahead: float) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """For each line: its past and itself, and what came after it; the rows of a last line are empty."""
    lengths = np.diff(data.starts)
    place = np.arange(len(data.item)) - np.repeat(data.starts[:-1], lengths)
    left = np.repeat(lengths, lengths) - 1 - place
    behind = [np.flatnonzero((place >= back) & (left > 0)) for back in range(_PLACES)]
    coming = [np.flatnonzero(left > on) for on in range(_PLACES)]
    past = [data.item[lines - back] for back, lines in enumerate(behind)]
    future = [data.item[lines + on + 1] for on, lines in enumerate(coming)]
    shape = (len(data.item), data.items)
    return _fading(behind, past, fade, shape), _fading(coming, future, ahead, shape)


def _fading(
    rows: list[NDArray[np.int64]], columns: list[NDArray[np.int32]], fade: float, shape: tuple[int, int]
) -> sparse.csr_matrix:
    weights = np.repeat(np.power(fade, np.arange(len(rows))), [len(part) for part in rows])
    cells = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_matrix((weights.astype(np.float32), cells), shape=shape)


def _links(inverse: Matrix, followed: sparse.csr_matrix, strongest: int) -> sparse.csr_matrix:
    """P C - P diag(m), row by row, only the strongest of each."""
    items = len(inverse)
    pairs = followed.tocoo()
    own = np.bincount(pairs.col, inverse[pairs.col, pairs.row] * pairs.data, items)
    drawn = (own / np.diag(inverse)).astype(np.float32)
    turned = followed.T.tocsr()

    def block(first: int) -> Matrix:
        part = inverse[:, first : first + _BLOCK]
        rows: Matrix = (turned @ part - part * drawn[:, None]).T
        return rows

    return pruned((row for first in range(0, items, _BLOCK) for row in block(first)), strongest)
