"""How often one shopper was shown each product of late: what frequency caps count."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import decay

MAX_SHOWN = 2000
"""A shopper's latest products that count."""


@dataclass(frozen=True)
class Shown:
    """One entry a product, as parallel arrays: rows, times it was shown in all, forward weight, last time.

    `weights` are of decay.SHOWN_HALF_LIFE, `last` is in Unix seconds.
    """

    rows: NDArray[np.int64]
    times: NDArray[np.int64]
    weights: NDArray[np.float64]
    last: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)

    def recent(self) -> NDArray[np.float64]:
        """How often and how lately: 1 is once, when the shopper was last shown anything."""
        now = float(self.last.max(initial=decay.LANDMARK))
        return np.asarray(self.weights * decay.since(now, decay.SHOWN_HALF_LIFE))


def nothing() -> Shown:
    """What somebody was shown who was shown nothing."""
    return Shown(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
