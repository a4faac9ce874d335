"""What one shopper bought and looked at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import decay

MAX_ITEMS = 5000
"""A shopper's latest products that count; more than any person has, less than a robot."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Taste:
    """One entry a product, as parallel arrays.

    pieces: bought less refunded. times: purchases. bought, looked: forward weights. last: Unix seconds.
    """

    rows: NDArray[np.int64]
    pieces: NDArray[np.int64]
    times: NDArray[np.int64]
    bought: Floats
    looked: Floats
    last: Floats

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def owned(self) -> NDArray[np.bool_]:
        """Which entries were bought and not all given back."""
        return self.pieces > 0

    def frequency(self) -> Floats:
        """How often and how lately each was bought: 1 is one purchase at the shopper's latest signal."""
        now = float(self.last.max(initial=decay.LANDMARK))
        return np.where(self.owned, self.bought * decay.since(now, decay.PURCHASE_HALF_LIFE), 0.0)

    def interest(self) -> Floats:
        """The same of looks and places in the cart."""
        now = float(self.last.max(initial=decay.LANDMARK))
        return np.maximum(self.looked * decay.since(now, decay.INTEREST_HALF_LIFE), 0.0)

    def strength(self) -> Floats:
        """How much each product speaks for the shopper's taste: the root keeps staples from drowning it."""
        return np.sqrt(self.frequency()) + self.interest()


def empty() -> Taste:
    """The taste of somebody nothing is known of."""
    whole, real = np.zeros(0, np.int64), np.zeros(0)
    return Taste(whole, whole, whole, real, real, real)
