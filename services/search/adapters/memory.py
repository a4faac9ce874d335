"""Vectors and an encoder in memory, for tests: they pass the same suites as the real ones."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from services.search.domain.ports import Vector
from services.search.domain.text import fingerprint


class MemoryVectors:
    """The Vectors port over a dict."""

    def __init__(self) -> None:
        self._rows: dict[int, Vector] = {}

    def add(self, keys: Sequence[int], vectors: Vector) -> None:
        """See Vectors."""
        for key, row in zip(keys, vectors, strict=True):
            self._rows.setdefault(key, row)

    def remove(self, keys: Sequence[int]) -> None:
        """See Vectors."""
        for key in keys:
            self._rows.pop(key, None)

    def nearest(self, vector: Vector, count: int) -> list[tuple[int, float]]:
        """See Vectors."""
        every = [(key, float(row @ vector)) for key, row in self._rows.items()]
        return sorted(every, key=lambda pair: -pair[1])[:count]

    def similarity(self, vector: Vector, keys: Sequence[int]) -> Mapping[int, float]:
        """See Vectors."""
        return {key: float(self._rows[key] @ vector) for key in keys if key in self._rows}

    def keys(self) -> set[int]:
        """See Vectors."""
        return set(self._rows)


class ConceptEncoder:
    """The Encoder port by a table: words of one concept mean the same, other words mean themselves."""

    def __init__(self, concepts: Mapping[str, str], tag: str = "concepts", dimension: int = 256) -> None:
        self.tag = tag
        self._concepts = concepts
        self._dimension = dimension

    def knows(self, word: str) -> bool:
        """See Encoder."""
        return word in self._concepts

    def encode(self, texts: Sequence[str]) -> Vector:
        """See Encoder."""
        rows = np.zeros((len(texts), self._dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"\w+", text.casefold()) or [""]:
                row[fingerprint(self._concepts.get(word, word)) % self._dimension] += 1
        normal: Vector = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return normal
