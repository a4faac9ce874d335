"""The co-occurrence model: for each product, those that go with it, nearest first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_NEIGHBOURS = 100
"""The most neighbours that a product keeps."""


class BadModelError(ValueError):
    """The model's parts do not fit together."""


@dataclass(frozen=True)
class Neighbours:
    """Product number i has the neighbours others[starts[i]:starts[i + 1]], nearest first.

    ids[i] is the product id behind number i; similarities are in (0, 1] and stand beside `others`.
    """

    ids: Sequence[str]
    starts: NDArray[np.int64]
    others: NDArray[np.int32]
    similarities: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Raises BadModelError when a number would lead nowhere."""
        fits = (
            len(self.starts) == len(self.ids) + 1
            and self.starts[0] == 0
            and self.starts[-1] == len(self.others) == len(self.similarities)
            and bool((np.diff(self.starts) >= 0).all())
            and bool(((self.others >= 0) & (self.others < len(self.ids))).all())
            and bool(np.isfinite(self.similarities).all())
        )
        if not fits:
            raise BadModelError("the model's arrays do not fit together")

    def of(self, number: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The neighbours of one product and how near they are."""
        part = slice(int(self.starts[number]), int(self.starts[number + 1]))
        return self.others[part], self.similarities[part]
