"""What of the ranked candidates is shown: the last step of an answer, where exploration may draw."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Ranked(NamedTuple):
    """Candidates best first, after all rules; more than are shown. Any of them may be shown."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    ids: Sequence[str]


class Slate(NamedTuple):
    """What is shown, in order, and how probable it was that each product came to its position."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    propensities: NDArray[np.float64]


Draw = Callable[[Ranked, int], Slate]
"""Takes the ranked candidates and how many may be shown. Pure: chance comes from a seed of the request."""


def in_order(ranked: Ranked, count: int) -> Slate:
    """The best ones as they are: nothing is drawn."""
    rows, scores = ranked.rows[:count], ranked.scores[:count]
    return Slate(rows, scores, np.ones(len(rows)))
