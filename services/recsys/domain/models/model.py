"""What every model can do: fit, state, recommend, explain."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.interactions import Interactions, Past

Arrays = Mapping[str, NDArray[Any]]
Scores = NDArray[np.float32]
Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """A Progress that tells nobody."""


class Model(ABC):
    """Learns from Interactions and scores their items, by number. Settings are the constructor's arguments.

    After `fit`, or made by `of`, a model never changes: any thread may use it.
    """

    name: ClassVar[str]

    @abstractmethod
    def fit(self, data: Interactions, progress: Progress = silent) -> Self:
        """Learns; the same data give the same model on one thread. Returns itself."""

    @abstractmethod
    def state(self, past: Past) -> Any:
        """What a past means to this model: small, and the same however the shopper is asked for."""

    @abstractmethod
    def score(self, state: Any) -> Scores:
        """Every item's score, (items,), higher is better; 0 for what nothing speaks for."""

    def above(self, state: Any) -> tuple[NDArray[np.int64], Scores]:
        """The items that score above 0, rising, and their scores; a sparse model looks at no others."""
        scores = self.score(state)
        items = np.flatnonzero(scores > 0)
        return items, scores[items]

    @abstractmethod
    def explain(self, state: Any, item: int) -> tuple[int, ...]:
        """The items of the past that speak most for `item`, the most telling first; empty when none does."""

    @abstractmethod
    def arrays(self) -> Arrays:
        """All that was learnt, for a model file."""

    @classmethod
    @abstractmethod
    def of(cls, arrays: Arrays) -> Self:
        """The model again. Raises BadModelError when the arrays do not fit together."""

    def recommend(
        self, state: Any, allowed: NDArray[np.bool_] | None = None, count: int = 10
    ) -> tuple[NDArray[np.int64], Scores]:
        """The best `count` allowed items and their scores, best first, ties by number."""
        return best(self.score(state), allowed, count)


def best(scores: Scores, allowed: NDArray[np.bool_] | None, count: int) -> tuple[NDArray[np.int64], Scores]:
    """The best `count` allowed items and their scores, best first, ties by number."""
    if allowed is not None:
        scores = np.where(allowed, scores, -np.inf)
    count = min(count, len(scores))
    if not count:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    kept = np.flatnonzero((scores >= least) & (scores > -np.inf))
    order = kept[np.argsort(-scores[kept], kind="stable")][:count]
    return order, scores[order]
