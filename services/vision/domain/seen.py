"""What the model says of a picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Label:
    """One thing seen; confidence between 0 and 1."""

    name: str
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """`probabilities` (classes,) sum to 1, in the order of `names`; `embedding` (dimensions,) has length 1.

    `model` is the model's name and version. Embeddings compare only when their models are the same.
    """

    model: str
    names: Sequence[str]
    probabilities: Vector
    embedding: Vector

    def top(self, count: int) -> list[Label]:
        """The most confident labels, best first; ties in the order of the classes."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [Label(self.names[i], float(self.probabilities[i])) for i in order]
