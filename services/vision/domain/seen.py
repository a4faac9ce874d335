"""What the model says of a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]
"""(dimensions,)"""


@dataclass(frozen=True, slots=True)
class Label:
    """One thing seen; confidence between 0 and 1; products that show it, as training was told."""

    name: str
    confidence: float
    product_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Classes:
    """A model's classes by number, the products that show each, and the least confidence to be one.

    `groups` names the group of each class that is in one.
    """

    names: Sequence[str]
    products: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unknown_below: float = 0.0
    groups: Mapping[str, str] = field(default_factory=dict)


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

    def kinds(self, count: int) -> list[Label]:
        """The most confident groups, best first: each is as likely as its classes together."""
        sums: dict[str, float] = {}
        for name, probability in zip(self.classes.names, self.probabilities.tolist(), strict=True):
            if group := self.classes.groups.get(name):
                sums[group] = sums.get(group, 0.0) + probability
        best = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))[:count]
        return [Label(name, min(1.0, sums)) for name, sums in best]

    @property
    def unknown(self) -> bool:
        """Whether it is likely none of the classes."""
        return float(self.probabilities.max()) < self.classes.unknown_below
