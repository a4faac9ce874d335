"""What was drawn: the positions of an answer that explore, and who might have stood there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEATURES = ("one", "score", "rank")
"""What is known of a candidate: 1; its score over the answer's best; 1 / log2(1 + its rank)."""

SUM_ERROR = 1e-6
"""How far a slot's chances may be from adding up to 1."""


@dataclass(frozen=True)
class Slot:
    """One position and its own candidates: `products` with `features` (n, len(FEATURES)) and `chances` (n,).

    The first candidate is the one that would stand there if nothing were drawn; `chosen` is the drawn one.
    No product is a candidate of two positions, so a chance is the propensity of a product at its position,
    whatever the other positions drew.
    """

    position: int
    products: Sequence[str]
    features: Floats
    chances: Floats
    chosen: int

    def sound(self) -> bool:
        """Whether it can be learnt from: the chances are chances and the chosen one had one."""
        count = len(self.products)
        if self.features.shape != (count, len(FEATURES)) or self.chances.shape != (count,):
            return False
        if self.position < 1 or not 0 <= self.chosen < count or not np.isfinite(self.features).all():
            return False
        whole = bool(abs(self.chances.sum() - 1) <= SUM_ERROR)  # false for NaN too
        return whole and bool(self.chances.min() >= 0) and bool(self.chances[self.chosen] > 0)


class Drawn(NamedTuple):
    """The slots of one answer: which request it was, whose, when (Unix seconds), and by which policy."""

    request_id: str
    shopper: str
    time: float
    policy: str
    slots: Sequence[Slot]


def features(scores: Floats, ranks: NDArray[np.int64], best: float) -> Floats:
    """FEATURES of candidates, (n, 3); `ranks` from 1."""
    return np.column_stack((np.ones(len(scores)), scores / best, 1 / np.log2(1 + ranks)))
