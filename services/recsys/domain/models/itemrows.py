"""Item-to-item models: a sparse matrix whose rows are summed over a past."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.recsys.domain.models.model import Arrays, Model, Scores
from services.recsys.domain.neighbours import BadModelError

EXPLAINED = 3
"""As many items of the past explain an answer."""


@dataclass(frozen=True)
class Weighted:
    """Distinct items of a past, rising, and what each weighs."""

    items: NDArray[np.int64]
    weights: NDArray[np.float32]


def distinct(items: NDArray[np.int32], known: int) -> Weighted:
    """Each item once, at weight 1, without those that the model never saw."""
    seen = np.unique(items).astype(np.int64)
    seen = seen[(seen >= 0) & (seen < known)]
    return Weighted(seen, np.ones(len(seen), np.float32))


class ItemRows(Model):
    """A model that is one matrix: links[i, j] is what having taken i says for j. `fit` sets `links`."""

    links: sparse.csr_matrix

    def score(self, state: Weighted) -> Scores:
        """The weighted sum of the past's rows."""
        rows = self.links[state.items]
        worth = np.repeat(state.weights, np.diff(rows.indptr)) * rows.data
        return np.bincount(rows.indices, worth, self.links.shape[1]).astype(np.float32)

    def explain(self, state: Weighted, item: int) -> tuple[int, ...]:
        """The items of the past whose rows give most to `item`."""
        given = self.links[state.items, np.full(len(state.items), item)]
        parts = np.asarray(given).ravel() * state.weights
        order = np.argsort(-parts, kind="stable")[:EXPLAINED]
        return tuple(int(state.items[i]) for i in order if parts[i] > 0)

    def arrays(self) -> Arrays:
        """The matrix in compressed rows."""
        links = self.links
        return {"starts": links.indptr, "others": links.indices, "weights": links.data}

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """The model again. Raises BadModelError when the arrays do not fit together."""
        model = cls()
        model.links = links_of(arrays)
        return model


def links_of(arrays: Arrays) -> sparse.csr_matrix:
    """The square matrix behind `starts`, `others` and `weights`. Raises BadModelError."""
    try:
        parts: tuple[Any, ...] = (arrays["weights"], arrays["others"], arrays["starts"])
        items = len(parts[2]) - 1
        links = sparse.csr_matrix(parts, shape=(items, items))
        links.check_format()
    except (KeyError, ValueError) as problem:
        raise BadModelError(f"the model's arrays do not fit together: {problem}") from problem
    return links
