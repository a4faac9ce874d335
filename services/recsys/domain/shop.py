"""All that recommending knows at one moment, and the ports it is filled through."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.catalogue import Catalogue
from services.recsys.domain.neighbours import Neighbours
from services.recsys.domain.popularity import Popular
from services.recsys.domain.taste import Taste

NO_MODEL = "popular"
"""The version that an answer tells when no co-occurrence model is loaded."""


class Links:
    """A co-occurrence model, in the catalogue's rows."""

    def __init__(self, model: Neighbours, version: str, catalogue: Catalogue) -> None:
        self.version, self.model = version, model
        self._rows = np.array([catalogue.row(product_id) for product_id in model.ids], dtype=np.int64)
        self._numbers = {int(row): number for number, row in enumerate(self._rows)}

    def of(self, row: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The rows that go with one, nearest first, and how near they are; empty for an unknown row."""
        number = self._numbers.get(row)
        if number is None:
            return np.zeros(0, np.int64), np.zeros(0)
        others, near = self.model.of(number)
        return self._rows[others], near.astype(np.float64)


@dataclass(frozen=True)
class Shop:
    """Catalogue, what is popular in it, and the model, None when none is loaded."""

    catalogue: Catalogue
    popular: Popular
    links: Links | None

    @property
    def version(self) -> str:
        """What chose, as answers tell it."""
        return self.links.version if self.links else NO_MODEL


@dataclass(frozen=True)
class Context:
    """What a request stands on: the shopper's taste, the context's living rows, what may be answered."""

    taste: Taste
    context: Sequence[int]
    allowed: NDArray[np.bool_]
