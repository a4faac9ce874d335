"""A Ranker that learns the order of candidates by their features."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.kit import lambdamart
from services.kit.lambdamart import LambdaMart
from services.recsys.domain.features import NAMES

Example = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""One list of candidates: their features, and which were taken."""


def learn(examples: Sequence[Example], positions: Sequence[NDArray[np.int64]] | None = None) -> LambdaMart:
    """Learns from lists of which something was taken; `positions`: where candidates were shown."""
    shown: Sequence[NDArray[np.int64] | None] = positions or [None] * len(examples)
    return lambdamart.learn(
        NAMES,
        [
            lambdamart.Example(features, taken.astype(np.int32), where)
            for (features, taken), where in zip(examples, shown, strict=True)
        ],
    )


def load(path: Path) -> LambdaMart | None:
    """Reads a ranker again; None for one of other features. Raises ValueError when it is not whole."""
    return lambdamart.load(NAMES, path)
