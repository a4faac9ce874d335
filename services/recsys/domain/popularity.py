"""What everybody buys: a fading count a product, and the order that follows from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Popular:
    """Popularity at one moment: `order` has the rows best first, `share` of each row is in [0, 1]."""

    order: NDArray[np.int64]
    share: NDArray[np.float64]

    def best(self, allowed: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
        """The most popular allowed rows, best first."""
        known = self.order[self.order < len(allowed)]
        return known[allowed[known]][:count]


class Popularity:
    """Forward-decayed purchases of each row. Not safe for threads: whoever shares it holds a lock."""

    def __init__(self) -> None:
        self._weights = np.zeros(1024)
        self._seen: Popular | None = None
        self._changed = True
        self._sorted_at = -np.inf

    def set(self, rows: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
        """Puts the weights that rows have from now on."""
        if len(rows):
            self._fit(int(rows.max()) + 1)
            self._weights[rows] = weights
            self._changed = True

    def add(self, rows: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
        """Adds weights to rows one after the other, as a sum kept elsewhere would."""
        if len(rows):
            self._fit(int(rows.max()) + 1)
            np.add.at(self._weights, rows, weights)
            self._changed = True

    def now(self, size: int, clock: float, refresh: float) -> Popular:
        """The order over `size` rows. Sorted anew after a change, at most once in `refresh` seconds."""
        seen = self._seen
        stale = self._changed and clock - self._sorted_at >= refresh
        if seen is None or stale or len(seen.share) < size:
            self._fit(size)
            weights = np.maximum(self._weights[:size], 0.0)
            most = float(weights.max(initial=0.0))
            seen = Popular(np.argsort(-weights, kind="stable"), weights / most if most else weights.copy())
            self._seen, self._changed, self._sorted_at = seen, False, clock
        return seen

    def _fit(self, size: int) -> None:
        if size > len(self._weights):
            self._weights = np.concatenate([self._weights, np.zeros(max(size, len(self._weights)))])
