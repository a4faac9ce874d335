"""Implicit alternating least squares: factors of shoppers and items, for catalogues of any size."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.recsys.domain.interactions import Interactions, Past
from services.recsys.domain.models.itemrows import Weighted, strongest, weighted
from services.recsys.domain.models.model import Arrays, Model, Progress, Scores, silent
from services.recsys.domain.neighbours import BadModelError

Matrix = NDArray[np.float32]

_CELLS = 2**13
"""Lines that one block looks at: their factors stay in the processor's cache."""

_STEPS = 3
"""Conjugate gradient steps a sweep; each sweep starts where the one before ended."""


@dataclass(frozen=True)
class IalsState:
    """A past's items, the inverse of the system solved for it, and the factors that explain it best."""

    past: Weighted
    inverse: Matrix
    factors: Matrix


class Ials(Model):
    """Hu, Koren, Volinsky (2008), with the scaled regularisation of Rendle et al., "Revisiting iALS" (2021).

    Minimises the sum of (1 - w.h) ** 2 over what was taken and of a * (w.h) ** 2 over all pairs, plus
    `regularisation` * (n + a * N) ** `scaling` * |factor| ** 2 for each shopper and item, where n is how many
    it has and N how many there are. All pairs together weigh `unobserved` times what was taken, which
    gives a: so one setting suits sparse and dense data. A shopper is never stored: `state` solves for the
    factors from the past, so that the last event counts at once. `latest`, `fade`: as at ItemRows.
    """

    name = "ials"

    factors: Matrix
    weight: float

    def __init__(
        self,
        size: int = 64,
        sweeps: int = 8,
        unobserved: float = 7.0,
        regularisation: float = 0.01,
        scaling: float = 1.0,
        latest: int = 1000,
        fade: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.size, self.sweeps, self.unobserved = size, sweeps, unobserved
        self.regularisation, self.scaling = regularisation, scaling
        self.latest, self.fade, self.seed = latest, fade, seed

    def fit(self, data: Interactions, progress: Progress = silent) -> Self:
        """Sweeps over shoppers and items in turn."""
        taken = data.matrix()
        self.weight = self.unobserved * taken.nnz / max(data.users * data.items, 1)
        given = taken.T.tocsr()
        draw = np.random.default_rng(self.seed)
        self.factors = draw.normal(0, 0.1 / self.size**0.5, (data.items, self.size)).astype(np.float32)
        shoppers = np.zeros((data.users, self.size), np.float32)
        for sweep in range(self.sweeps):
            shoppers = self._solve(taken, self.factors, shoppers)
            self.factors = self._solve(given, shoppers, self.factors)
            progress("iALS", sweep + 1, self.sweeps)
        self.factors[np.diff(given.indptr) == 0] = 0
        self._settle()
        return self

    def _solve(self, taken: sparse.csr_matrix, others: Matrix, start: Matrix) -> Matrix:
        """The factors of each row of `taken`, near `start`, given those of its columns."""
        counts = np.diff(taken.indptr)
        gram = self._all(others)
        held = self._held(counts, len(others))
        padded = np.vstack([others, np.zeros((1, self.size), np.float32)])
        solved = np.zeros_like(start)
        for rows in _blocks(counts):
            near = padded[_columns(taken, rows, counts[rows], len(others))]
            solved[rows] = _descend(near, gram, held[rows, None], start[rows])
        return solved

    def _held(self, counts: NDArray[np.int32] | float, others: int) -> Matrix:
        """How strongly factors are held near 0."""
        size = np.asarray(counts + self.weight * others)
        return np.asarray(self.regularisation * size**self.scaling, np.float32)

    def _settle(self) -> None:
        """What `state` needs of the items, once."""
        self._gram = self._all(self.factors)

    def _all(self, factors: Matrix) -> Matrix:
        """What all pairs with these add to a system."""
        return np.asarray(self.weight * (factors.T @ factors), np.float32)

    def state(self, past: Past) -> IalsState:
        """The factors for this past, solved exactly."""
        kept = weighted(past.last(self.latest), len(self.factors), self.fade)
        if not len(kept.items):
            return IalsState(kept, self._gram, np.zeros(self.factors.shape[1], np.float32))
        wanted, inverse = kept.weights @ self.factors[kept.items], np.linalg.inv(self._system(kept))
        return IalsState(kept, inverse, inverse @ wanted)

    def _system(self, past: Weighted) -> Matrix:
        near = self.factors[past.items]
        held = self._held(float(past.weights.sum()), len(self.factors))
        system: Matrix = np.asarray(self._gram + (near.T * past.weights) @ near, np.float32)
        system[np.diag_indices_from(system)] += held
        return system

    def score(self, state: IalsState) -> Scores:
        """How well each item's factors fit."""
        scores: Scores = self.factors @ state.factors
        return scores

    def explain(self, state: IalsState, item: int) -> tuple[int, ...]:
        """Each item's part of the score, as Hu, Koren and Volinsky split it."""
        if not len(state.past.items):
            return ()
        towards = state.inverse @ self.factors[item]
        parts = (self.factors[state.past.items] @ towards) * state.past.weights
        return strongest(parts, state.past.items)

    def arrays(self) -> Arrays:
        """The items' factors, and the settings that a past is solved by."""
        solving = (self.weight, self.regularisation, self.scaling, self.latest, self.fade)
        return {"factors": self.factors, "solving": np.array(solving, np.float64)}

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """The model again. Raises BadModelError when the arrays do not fit together."""
        if arrays.get("factors", np.zeros(0)).ndim != 2 or arrays.get("solving", np.zeros(0)).shape != (5,):
            raise BadModelError("an iALS model needs factors, items by size, and five settings")
        weight, regularisation, scaling, latest, fade = arrays["solving"].tolist()
        model = cls(regularisation=regularisation, scaling=scaling, latest=int(latest), fade=fade)
        model.factors, model.weight = arrays["factors"], weight
        model._settle()
        return model


def _blocks(counts: NDArray[np.int32]) -> Iterator[NDArray[np.int64]]:
    """Rows that have anything, in blocks of rows of nearly the same count."""
    order = np.argsort(counts, kind="stable")
    order = order[counts[order] > 0]
    first = 0
    while first < len(order):
        most = max(1, _CELLS // int(counts[order[first]]))
        last = min(first + most, len(order))
        while last - first > 1 and int(counts[order[last - 1]]) * (last - first) > _CELLS:
            last = first + max(1, (last - first) // 2)
        yield order[first:last]
        first = last


def _columns(
    taken: sparse.csr_matrix, rows: NDArray[np.int64], counts: NDArray[np.int32], none: int
) -> NDArray[np.int32]:
    """The columns of these rows, one row a line, filled up with the number `none`."""
    place = np.arange(int(counts.max()))
    held = place < counts[:, None]
    lines = np.minimum(taken.indptr[rows][:, None] + place, taken.nnz - 1)
    return np.where(held, taken.indices[lines], none)


def _descend(near: Matrix, gram: Matrix, held: Matrix, start: Matrix) -> Matrix:
    """A few steps of conjugate gradients on (gram + near' near + held I) x = sum of near, a row each.

    `near` is (rows, count, size): the factors of what each row has.
    """

    def times(x: Matrix) -> Matrix:
        fits = np.matmul(near, x[:, :, None])
        found: Matrix = x @ gram + held * x + np.matmul(near.transpose(0, 2, 1), fits)[:, :, 0]
        return found

    x = start.copy()
    left = near.sum(1) - times(x)
    step, size = left.copy(), (left * left).sum(1, keepdims=True)
    for _ in range(_STEPS):
        bent = times(step)
        length = size / np.maximum((step * bent).sum(1, keepdims=True), 1e-20)
        x += length * step
        left -= length * bent
        size, before = (left * left).sum(1, keepdims=True), size
        step = left + size / np.maximum(before, 1e-20) * step
    return x
