"""The index of vectors by FAISS: all rows are compared while they are few, some lists of them beyond."""

from collections.abc import Collection, Mapping, Sequence
from threading import Lock
from typing import Any, Final

import faiss
import numpy as np
import numpy.typing as npt

from services.search.domain.ports import Vector

Keys = npt.NDArray[np.int64]

EXACT: Final = 20_000
"""Rows that are all compared, in about 1 ms; beyond, the lists are quicker (measured, docs/search.md)."""

GROWTH: Final = 4
"""The lists are learnt again from this many times the rows that they were learnt from."""

LISTS: Final = 4
"""Times the square root of the rows: how many lists there are."""

PROBES: Final = 16
"""Lists that a query looks into; recall and time by their number stand in docs/search.md."""

_SAMPLE: Final = 40
_CHUNK: Final = 20_000
_BY_HASH: Final = 2  # FAISS's code: a row is found by its key through a hash table
_QUANTIZER_TRAINS_ALONE: Final = 2  # FAISS's code: k-means first, the centroids' graph after it


class FaissVectors:
    """The Vectors port. New lists are learnt beside the old index, in the thread that adds a row too many."""

    def __init__(self, dimension: int, exact: int = EXACT) -> None:
        """All rows are compared up to `exact` of them."""
        flat = faiss.IndexScalarQuantizer(
            dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        self._dimension = dimension
        self._index: Any = faiss.IndexIDMap2(flat)
        self._next = exact
        self._keys: set[int] = set()
        self._lock = Lock()  # FAISS does not allow a search beside an add
        self._learning = Lock()

    def add(self, keys: Sequence[int], vectors: Vector) -> None:
        """See Vectors."""
        with self._lock:
            rows = {key: row for row, key in enumerate(keys) if key not in self._keys}
            if rows:
                self._index.add_with_ids(
                    np.ascontiguousarray(vectors[list(rows.values())], np.float32), _ids(rows)
                )
                self._keys.update(rows)
        if len(self._keys) > self._next and self._learning.acquire(blocking=False):
            try:
                self._learn()
            finally:
                self._learning.release()

    def remove(self, keys: Sequence[int]) -> None:
        """See Vectors."""
        with self._lock:
            gone = self._keys.intersection(keys)
            if gone:
                _remove(self._index, gone)
                self._keys -= gone

    def nearest(self, vector: Vector, count: int) -> list[tuple[int, float]]:
        """See Vectors."""
        with self._lock:
            count = min(count, len(self._keys))
            if not count:
                return []
            cosines, keys = self._index.search(vector[None, :], count)
        pairs = zip(keys[0].tolist(), cosines[0].tolist(), strict=True)
        return [(key, cosine) for key, cosine in pairs if key >= 0]  # the lists looked into may hold fewer

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

    def _learn(self) -> None:
        """Learns lists from the rows there are, fills them while the old index serves, and swaps."""
        ids = _ids(self.keys())
        lists = _lists(self._dimension, min(len(ids), round(LISTS * len(ids) ** 0.5)))
        sample = np.random.default_rng(0).choice(ids, min(len(ids), _SAMPLE * lists.nlist), replace=False)
        lists.train(self._rows(sample)[1])
        filled = set[int]()
        for start in range(0, len(ids), _CHUNK):
            some, rows = self._rows(ids[start : start + _CHUNK])
            lists.add_with_ids(rows, some)
            filled.update(some.tolist())
        with self._lock:
            # What came and went meanwhile.
            if gone := (filled - self._keys):
                _remove(lists, gone)
            if come := self._keys - filled:
                lists.add_with_ids(self._index.reconstruct_batch(_ids(come)), _ids(come))
            self._index, self._next = lists, GROWTH * len(ids)

    def _rows(self, ids: Keys) -> tuple[Keys, Vector]:
        """Those of the keys that are still there, with their rows."""
        with self._lock:
            known = _ids([key for key in ids.tolist() if key in self._keys])
            return known, self._index.reconstruct_batch(known)


def _lists(dimension: int, count: int) -> Any:
    """Untrained inverted lists of 8-bit rows, whose centroids are found by a graph (HNSW)."""
    centroids = faiss.IndexHNSWFlat(dimension, 32, faiss.METRIC_INNER_PRODUCT)
    centroids.hnsw.efConstruction, centroids.hnsw.efSearch = 80, 32
    lists = faiss.IndexIVFScalarQuantizer(
        centroids, dimension, count, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT, False
    )
    lists.quantizer_trains_alone = _QUANTIZER_TRAINS_ALONE  # type: ignore[assignment]
    lists.cp.niter = 8
    lists.cp.spherical = True
    lists.cp.max_points_per_centroid = _SAMPLE
    lists.nprobe = PROBES
    lists.set_direct_map_type(_BY_HASH)
    return lists


def _ids(keys: Collection[int]) -> Keys:
    return np.fromiter(keys, np.int64, len(keys))


def _remove(index: Any, keys: Collection[int]) -> None:
    selector = faiss.IDSelectorArray if isinstance(index, faiss.IndexIVF) else faiss.IDSelectorBatch
    index.remove_ids(selector(_ids(keys)))
