"""The vectors of one model in Milvus: a row a text, in a collection of the model's own."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from pymilvus import DataType, MilvusClient

from services.search.adapters.milvus_client import Milvus
from services.search.domain.ports import Vector

MOST_NEAREST: Final = 16_384
_CHUNK: Final = 1_000


class MilvusVectors:
    """The Vectors port; what one replica adds, those that share the collection find."""

    def __init__(self, client: Milvus, prefix: str, tag: str, dimension: int) -> None:
        """Opens it."""
        self._client = client
        self._collection = f"{prefix}_vectors_{re.sub(r'[^0-9A-Za-z]', '_', tag)}"
        self._dimension = dimension
        self.open()

    def open(self) -> None:
        """Makes the collection where there is none, and has it loaded."""
        if self._client.has_collection(self._collection):
            self._client.load_collection(self._collection)
        else:
            self._create()

    def add(self, keys: Sequence[int], vectors: Vector) -> None:
        """See Vectors."""
        rows = dict[int, Vector]()
        for key, vector in zip(keys, vectors, strict=True):
            rows.setdefault(key, vector)
        for some in _chunks(list(rows)):
            held = {
                row["key"] for row in self._client.query(self._collection, ids=some, output_fields=["key"])
            }
            new = [{"key": key, "vector": rows[key]} for key in some if key not in held]
            if new:
                self._client.insert(self._collection, new)

    def remove(self, keys: Sequence[int]) -> None:
        """See Vectors."""
        for some in _chunks(list(keys)):
            self._client.delete(self._collection, ids=some)

    def nearest(self, vector: Vector, count: int) -> list[tuple[int, float]]:
        """See Vectors."""
        hits = self._client.search(
            self._collection, data=[vector], anns_field="vector", limit=min(count, MOST_NEAREST)
        )[0]
        return [(hit["key"], hit["distance"]) for hit in hits]

    def similarity(self, vector: Vector, keys: Sequence[int]) -> Mapping[int, float]:
        """See Vectors."""
        found = dict[int, float]()
        for some in _chunks(list(keys)):
            rows = self._client.query(self._collection, ids=some, output_fields=["key", "vector"])
            if rows:
                cosines = np.array([row["vector"] for row in rows], np.float32) @ vector
                found |= zip((row["key"] for row in rows), cosines.tolist(), strict=True)
        return found

    def keys(self) -> set[int]:
        """See Vectors."""
        return set(self._client.every(self._collection, "key >= 0", "key", MOST_NEAREST))

    def _create(self) -> None:
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("key", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self._dimension)
        indexes = MilvusClient.prepare_index_params()
        indexes.add_index("vector", index_type="AUTOINDEX", metric_type="IP")
        self._client.create_collection(
            self._collection, schema=schema, index_params=indexes, consistency_level="Session"
        )


def _chunks(keys: Sequence[int]) -> Iterator[list[int]]:
    return (list(keys[start : start + _CHUNK]) for start in range(0, len(keys), _CHUNK))
