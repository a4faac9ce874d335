"""What the model says of a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]
"""(dimensions,)"""

Matrix = npt.NDArray[np.float32]
"""(rows, dimensions)"""


@dataclass(frozen=True, slots=True)
class Label:
    """One thing seen; confidence between 0 and 1; products that show it, as training was told."""

    name: str
    confidence: float
    product_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Classes:
    """A model's classes by number, the products that show each, and the least confidence to be one."""

    names: Sequence[str]
    products: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unknown_below: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """`probabilities` (classes,) sum to 1, in their order; `embedding` (dimensions,) has length 1.

    `model` is the model's name and version. Embeddings compare only when their models are the same.
    """

    model: str
    classes: Classes
    probabilities: Vector
    embedding: Vector

    def top(self, count: int) -> list[Label]:
        """The most confident labels, best first; ties in the order of the classes."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        classes = self.classes
        return [
            Label(name, float(self.probabilities[i]), tuple(classes.products.get(name, ())))
            for i, name in ((i, classes.names[i]) for i in order)
        ]

    @property
    def unknown(self) -> bool:
        """Whether it is likely none of the classes."""
        return float(self.probabilities.max()) < self.classes.unknown_below
