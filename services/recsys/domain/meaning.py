"""Where products stand by what is written of them, also those that came after training."""

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.catalogue import Catalogue
from services.recsys.domain.models.content import ContentModel, words_of

Rows = NDArray[np.int64]
Likeness = NDArray[np.float32]


class Meaning:
    """Vectors of length 1 over the catalogue's rows. Not safe for threads: the shop's lock holds it.

    What the model was trained with stands where it was learnt; what is new, where its words place it. A
    product whose words change keeps its place until the next model.
    """

    def __init__(self, model: ContentModel, rows: Rows) -> None:
        self._model = model
        self._vectors = np.zeros((int(rows.max(initial=-1)) + 1, model.vectors.shape[1]), np.float32)
        self._vectors[rows] = _even(model.vectors)
        self._placed = np.zeros(len(self._vectors), bool)
        self._placed[rows] = True

    def likeness(self, catalogue: Catalogue, seeds: Rows, weights: NDArray[np.float64]) -> Likeness:
        """The cosine of every row's vector with the weighted sum of the seeds', (rows,); 0 without words."""
        self._extend(catalogue)
        wish = weights.astype(np.float32) @ self._vectors[seeds]
        return np.asarray(self._vectors @ _even(wish[None, :])[0], np.float32)

    def _extend(self, catalogue: Catalogue) -> None:
        more = len(catalogue) - len(self._placed)
        if more > 0:
            self._vectors = np.pad(self._vectors, ((0, more), (0, 0)))
            self._placed = np.pad(self._placed, (0, more))
        fresh = np.flatnonzero(~self._placed & catalogue.alive(np.arange(len(self._placed))))
        if len(fresh):
            words = [words_of(catalogue.product(row)) for row in fresh.tolist()]
            self._vectors[fresh] = _even(self._model.placed(words))
            self._placed[fresh] = True


def _even(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
