"""EASE: the linear item-to-item model in closed form, denoised, over the items that are taken most."""

from collections.abc import Iterable
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from services.recsys.domain.interactions import Interactions
from services.recsys.domain.models.itemrows import ItemRows, among_all, most_taken
from services.recsys.domain.models.model import Progress, silent

Matrix = NDArray[np.float32]

_BLOCK = 512


MOST = 20_000
"""Items that a model which looks at all pairs learns, unless it is told otherwise."""


class Ease(ItemRows):
    """Steck, "Embarrassingly Shallow Autoencoders" (2019), with the dropout of his EDLAE (2020).

    With the Gram matrix G = X' W X of shoppers by items, P = (G + l I + p / (1 - p) diag(G)) ** -1 and the
    link i -> j is -P[i, j] / P[j, j]. W weighs a shopper of n items by (n / mean n) ** -evenness, so that
    those who took most do not decide alone.

    `regularisation` is l and `dropout` is p. `strongest`: as many links of each item are kept for serving,
    those largest in size. `most`: only so many items are learnt, those taken most, since `fit` takes 4 bytes
    for each pair of them (1.5 GiB at 20,000) and time by their cube; of the others it says nothing.
    `latest` and `fade` are explained at ItemRows.
    """

    name = "ease"

    def __init__(
        self,
        regularisation: float = 500.0,
        dropout: float = 0.5,
        evenness: float = 0.5,
        strongest: int = 500,
        most: int = MOST,
        latest: int = 1000,
        fade: float = 1.0,
    ) -> None:
        super().__init__(latest, fade)
        self.regularisation, self.dropout, self.evenness = regularisation, dropout, evenness
        self.strongest, self.most = strongest, most

    def fit(self, data: Interactions, progress: Progress = silent) -> Self:
        """Solves for the links."""
        known, items = most_taken(data, self.most)
        taken = known.matrix()
        inverse = gram(self._weighted(taken), taken, progress)
        invert(inverse, self.regularisation, self.dropout)
        progress("EASE: solved", 1, 1)
        links = _pruned(inverse, np.diff(taken.tocsc().indptr) > 0, self.strongest)
        self.links = among_all(links, items, data.items)
        return self

    def _weighted(self, taken: sparse.csr_matrix) -> sparse.csr_matrix:
        """W X."""
        counts = np.maximum(np.diff(taken.indptr), 1)
        shares = (counts / counts.mean()) ** -self.evenness if len(counts) else counts
        return sparse.diags(shares.astype(np.float32)) @ taken


def gram(left: sparse.csr_matrix, right: sparse.csr_matrix, progress: Progress) -> Matrix:
    """left' right, dense, in blocks of columns."""
    rows, columns = left.T.tocsr(), right.tocsc()
    items = right.shape[1]
    found = np.empty((items, items), np.float32, order="F")
    for first in range(0, items, _BLOCK):
        found[:, first : first + _BLOCK] = (rows @ columns[:, first : first + _BLOCK]).toarray()
        progress("EASE: what goes together", min(first + _BLOCK, items), items)
    return found


def invert(matrix: Matrix, regularisation: float, dropout: float) -> None:
    """A Gram matrix becomes (matrix + l I + p / (1 - p) diag(matrix)) ** -1, in place."""
    places = np.arange(len(matrix))
    matrix[places, places] *= 1 + dropout / (1 - dropout)
    matrix[places, places] += regularisation
    _, failed = lapack.spotrf(matrix, lower=1, clean=0, overwrite_a=1)
    if not failed and len(matrix):
        _, failed = lapack.spotri(matrix, lower=1, overwrite_c=1)
    if failed:
        raise ValueError("EASE cannot be solved with so little regularisation")
    for first in range(0, len(matrix), _BLOCK):
        last = first + _BLOCK
        corner = matrix[first:last, first:last]
        corner[:] = np.tril(corner) + np.tril(corner, -1).T
        matrix[first:last, last:] = matrix[last:, first:last].T


def _pruned(inverse: Matrix, known: NDArray[np.bool_], strongest: int) -> sparse.csr_matrix:
    """The links of each item, only the strongest, and none to or from what nobody took."""
    scale = np.where(known, -1 / np.diag(inverse), 0).astype(np.float32)
    return pruned((inverse[:, item] * scale * known[item] for item in range(len(inverse))), strongest)


def pruned(rows: Iterable[Matrix], strongest: int) -> sparse.csr_matrix:
    """A square matrix from its dense rows: of each, the `strongest` entries largest in size, no diagonal."""
    starts, others, weights = [0], [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
    for item, row in enumerate(rows):
        row[item] = 0
        kept = np.flatnonzero(row)
        if len(kept) > strongest:
            kept = np.sort(np.argpartition(-np.abs(row), strongest)[:strongest])
        others.append(kept.astype(np.int32))
        weights.append(row[kept])
        starts.append(starts[-1] + len(kept))
    items = len(starts) - 1
    parts = (np.concatenate(weights), np.concatenate(others), np.array(starts))
    return sparse.csr_matrix(parts, shape=(items, items))
