"""The meaning side: an encoder and the vectors that it made, which belong together."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from services.search.domain.ports import Encoder, Vector, Vectors

NEAREST: Final = 200
"""Texts that may be found by meaning alone."""

NEAR_ENOUGH: Final = 0.4
"""The least cosine at which a text is found by meaning alone."""

AMONG: Final = 5
"""How many texts must be as near to a query for the shop to sell what it means."""

_REMEMBERED: Final = 2_048


class Meaning:
    """What a query's vector is compared with. Swapped as a whole when a new model is ready."""

    def __init__(self, encoder: Encoder, vectors: Vectors) -> None:
        """`vectors` are to be filled by this encoder alone."""
        self.encoder = encoder
        self.vectors = vectors
        # The next page and another filter ask for the same vector again.
        self._of = lru_cache(_REMEMBERED)(lambda text: encoder.encode([text])[0])

    def of(self, text: str) -> Vector:
        """The vector of a query."""
        vector: Vector = self._of(text)
        return vector

    def nearness(self, text: str) -> float:
        """The cosine of the AMONG nearest texts to this one, the least of them; 0 without any."""
        found = self.vectors.nearest(self.of(text), AMONG)
        return found[-1][1] if found else 0.0

    def near(self, vector: Vector) -> dict[int, float]:
        """Keys of the texts that are near enough to be found by meaning alone, with their cosines."""
        found = self.vectors.nearest(vector, NEAREST)
        return {key: cosine for key, cosine in found if cosine >= NEAR_ENOUGH}

    def similarity(self, vector: Vector, keys: Sequence[int]) -> Mapping[int, float]:
        """The cosines of these texts, as far as they have vectors."""
        return self.vectors.similarity(vector, keys)
