"""What orders candidates by their features; adapters/ranker.py has one that learns."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Ranker(Protocol):
    """Any thread may ask it."""

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """One score for each row of features.NAMES, higher is better."""
        ...

    def text(self) -> str:
        """All that was learnt, for a model file."""
        ...
