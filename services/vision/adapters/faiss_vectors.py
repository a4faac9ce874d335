"""The port Vectors in FAISS: exact inner products, kept up to date in place."""

from collections.abc import Iterable
from threading import Lock

import faiss
import numpy as np

from services.vision.domain.seen import Vector


class FaissVectors:
    """Vectors of one length; the first added decides it. Searches and updates take turns."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._keys: dict[int, str] = {}
        self._next = 0
        self._index: faiss.IndexIDMap2 | None = None
        self._lock = Lock()

    def __len__(self) -> int:
        """See Vectors."""
        return len(self._ids)

    def keys(self) -> set[str]:
        """See Vectors."""
        with self._lock:
            return set(self._ids)

    def update(self, added: Iterable[tuple[str, Vector]], removed: Iterable[str]) -> None:
        """See Vectors."""
        new = dict(added)
        with self._lock:
            old = [self._ids.pop(key) for key in {*removed, *new} if key in self._ids]
            for number in old:
                del self._keys[number]
            if old and self._index is not None:
                self._index.remove_ids(faiss.IDSelectorBatch(np.array(old, np.int64)))
            if new:
                self._add(list(new), np.stack(list(new.values())).astype(np.float32))

    def _add(self, keys: list[str], rows: Vector) -> None:
        if self._index is None:
            self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(rows.shape[1]))
        numbers = range(self._next, self._next + len(keys))
        self._next += len(keys)
        self._index.add_with_ids(rows, np.array(numbers, np.int64))
        self._ids.update(zip(keys, numbers, strict=True))
        self._keys.update(zip(numbers, keys, strict=True))

    def search(self, embedding: Vector, count: int) -> list[tuple[str, float]]:
        """See Vectors."""
        with self._lock:
            if self._index is None or not self._ids:
                return []
            count = min(count, len(self._ids))
            cosines, numbers = self._index.search(embedding[None].astype(np.float32), count)
            pairs = zip(numbers[0], cosines[0], strict=True)
            return [(self._keys[int(number)], float(cosine)) for number, cosine in pairs if number >= 0]
