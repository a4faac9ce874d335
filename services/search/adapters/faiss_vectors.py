"""The index of vectors by FAISS: exact inner products over half-precision rows."""

from collections.abc import Mapping, Sequence
from threading import Lock

import faiss
import numpy as np

from services.search.domain.ports import Vector


class FaissVectors:
    """The Vectors port. Exact search: at 100,000 rows a graph is not faster enough to pay for its memory."""

    def __init__(self, dimension: int) -> None:
        flat = faiss.IndexScalarQuantizer(
            dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        self._index = faiss.IndexIDMap2(flat)
        self._keys: set[int] = set()
        self._lock = Lock()  # FAISS does not allow a search beside an add

    def add(self, keys: Sequence[int], vectors: Vector) -> None:
        """See Vectors."""
        with self._lock:
            rows = {key: row for row, key in enumerate(keys) if key not in self._keys}
            if rows:
                ids = np.fromiter(rows, np.int64, len(rows))
                self._index.add_with_ids(np.ascontiguousarray(vectors[list(rows.values())], np.float32), ids)
                self._keys.update(rows)

    def remove(self, keys: Sequence[int]) -> None:
        """See Vectors."""
        with self._lock:
            gone = self._keys.intersection(keys)
            if gone:
                self._index.remove_ids(faiss.IDSelectorBatch(np.fromiter(gone, np.int64, len(gone))))
                self._keys -= gone

    def nearest(self, vector: Vector, count: int) -> list[tuple[int, float]]:
        """See Vectors."""
        with self._lock:
            count = min(count, len(self._keys))
            if not count:
                return []
            cosines, keys = self._index.search(vector[None, :], count)
        return list(zip(keys[0].tolist(), cosines[0].tolist(), strict=True))

    def similarity(self, vector: Vector, keys: Sequence[int]) -> Mapping[int, float]:
        """See Vectors."""
        with self._lock:
            known = [key for key in keys if key in self._keys]
            if not known:
                return {}
            rows = self._index.reconstruct_batch(np.array(known, np.int64))
        return dict(zip(known, (rows @ vector).tolist(), strict=True))

    def keys(self) -> set[int]:
        """See Vectors."""
        with self._lock:
            return set(self._keys)
