"""The index of vectors by FAISS: all rows are compared while they are few, lists of them beyond.

What comes is compared row by row until there is enough of it to be sorted into the lists; what goes leaves a
tombstone in them. Lists that have grown, or are full of tombstones, are learnt anew beside those that serve.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, Final

import faiss
import numpy as np

from services.search.adapters.vector_lists import Keys, Lists
from services.search.domain.ports import Vector

EXACT: Final = 20_000
"""Rows that are all compared, in about 1 ms; beyond, lists are quicker (docs/search-speed.md)."""

FRESH: Final = 5_000
"""Rows beside lists that are compared one by one, before they are sorted into these."""

GROWTH: Final = 4
"""The lists are learnt again from this many times the rows that they were learnt from."""

TOMBSTONES: Final = 0.25
"""And when this share of their rows is gone."""


class FaissVectors:
    """The Vectors port. Lists are made in the thread that adds or removes a row too many."""

    def __init__(self, dimension: int, exact: int = EXACT, folder: Path | None = None) -> None:
        """All rows are compared up to `exact` of them. Lists are kept in the folder, and found again."""
        self._temporary = TemporaryDirectory() if folder is None else None
        self._folder = folder or Path(self._temporary.name)  # type: ignore[union-attr]
        flat = faiss.IndexScalarQuantizer(
            dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        self._fresh: Any = faiss.IndexIDMap2(flat)
        self._fresh_keys: set[int] = set()
        self._exact = exact
        self._lists = _found(self._folder)
        self._gone: set[int] = set()  # positions in the lists
        self._learnt_from = len(self._lists.keys) if self._lists else 0
        self._lock = Lock()  # FAISS does not allow a search beside an add; lists never change
        self._making = Lock()

    def add(self, keys: Sequence[int], vectors: Vector) -> None:
        """See Vectors."""
        with self._lock:
            there = self._there(keys)
            rows = {key: row for row, key in enumerate(keys) if key not in there}
            if rows:
                some = np.ascontiguousarray(vectors[list(rows.values())], np.float32)
                self._fresh.add_with_ids(some, _ids(rows))
                self._fresh_keys.update(rows)
        self._tidy()

    def remove(self, keys: Sequence[int]) -> None:
        """See Vectors."""
        with self._lock:
            if gone := self._fresh_keys.intersection(keys):
                self._fresh.remove_ids(faiss.IDSelectorBatch(_ids(gone)))
                self._fresh_keys -= gone
            if self._lists:
                positions = self._lists.positions(_ids(keys))
                self._gone.update(positions[positions >= 0].tolist())
        self._tidy()

    def nearest(self, vector: Vector, count: int) -> list[tuple[int, float]]:
        """See Vectors."""
        with self._lock:
            lists, gone = self._lists, self._gone
            fresh = min(count, len(self._fresh_keys))
            cosines, keys = self._fresh.search(vector[None, :], fresh) if fresh else ([[]], [[]])
        found = list(zip(map(int, keys[0]), map(float, cosines[0]), strict=True))
        if lists:
            found += _living(lists, gone, vector, count)
        return sorted(found, key=lambda pair: -pair[1])[:count]

    def similarity(self, vector: Vector, keys: Sequence[int]) -> Mapping[int, float]:
        """See Vectors."""
        found = dict[int, float]()
        with self._lock:
            lists, gone = self._lists, self._gone
            if some := [key for key in keys if key in self._fresh_keys]:
                rows = self._fresh.reconstruct_batch(_ids(some))
                found |= zip(some, (rows @ vector).tolist(), strict=True)
        if lists and len(found) < len(keys):
            some = [key for key in keys if key not in found]
            positions = lists.positions(_ids(some))
            known = [place for place, at in enumerate(positions.tolist()) if at >= 0 and at not in gone]
            cosines = lists.rows(positions[known]) @ vector
            found |= zip((some[place] for place in known), cosines.tolist(), strict=True)
        return found

    def keys(self) -> set[int]:
        """See Vectors."""
        with self._lock:
            return self._fresh_keys.union(self._living_keys().tolist())

    def _there(self, keys: Sequence[int]) -> set[int]:
        found = self._fresh_keys.intersection(keys)
        if self._lists:
            positions = self._lists.positions(_ids(keys)).tolist()
            found |= {k for k, at in zip(keys, positions, strict=True) if at >= 0 and at not in self._gone}
        return found

    def _living_keys(self) -> Keys:
        if not self._lists:
            return _ids(())
        return np.delete(self._lists.keys, _ids(self._gone))

    def _tidy(self) -> None:
        """Makes lists where there is need of them; one thread at a time, the others go on."""
        if self._crowded() and self._making.acquire(blocking=False):
            try:
                self._merge()
            finally:
                self._making.release()

    def _crowded(self) -> bool:
        if not self._lists:
            return len(self._fresh_keys) > self._exact
        return len(self._fresh_keys) > min(FRESH, self._exact) or self._worn(self._lists)

    def _worn(self, lists: Lists) -> bool:
        return len(self._gone) > TOMBSTONES * len(lists.keys)

    def _merge(self) -> None:
        """Sorts the fresh rows into the lists, or learns others of all rows, and swaps."""
        with self._lock:
            lists, fresh, living = self._lists, _ids(self._fresh_keys), self._living_keys()
            rows = self._fresh.reconstruct_batch(fresh)
            grown = len(living) > GROWTH * self._learnt_from
        if lists and not grown and not self._worn(lists):
            made = lists.plus(fresh, rows)
        else:
            made = self._learned(lists, living, fresh, rows)
        made.save()
        with self._lock:
            self._swap(made, fresh, living)
        if not lists or lists.folder != made.folder:
            self._learnt_from = len(made.keys)
            if lists:
                lists.forget()

    def _learned(self, lists: Lists | None, living: Keys, fresh: Keys, rows: Vector) -> Lists:
        old = len(living)
        places = lists.positions(living) if lists else living

        def at(positions: Keys) -> Vector:
            kept, new = positions[positions < old], positions[positions >= old]
            return np.concatenate((lists.rows(places[kept]), rows[new - old])) if lists else rows[new]

        folder = self._folder / str(_generation(self._folder) + 1)
        return Lists.learn(folder, np.concatenate((living, fresh)), at, lists.scale if lists else None)

    def _swap(self, made: Lists, fresh: Keys, living: Keys) -> None:
        """Serves by these lists, in which what went meanwhile is gone."""
        if self._lists and self._lists.folder == made.folder:
            gone = set(self._gone)
        else:
            left = np.isin(living, self._living_keys())
            gone = set(made.positions(living[~left]).tolist())
        went = [key for key in fresh.tolist() if key not in self._fresh_keys]
        gone |= set(made.positions(_ids(went)).tolist())
        stayed = self._fresh_keys.intersection(fresh.tolist())
        self._fresh.remove_ids(faiss.IDSelectorBatch(_ids(stayed)))
        self._fresh_keys -= stayed
        self._lists, self._gone = made, gone


def _living(lists: Lists, gone: Collection[int], vector: Vector, count: int) -> list[tuple[int, float]]:
    """The nearest that are not gone; more are looked at until there are enough of them."""
    wanted = count
    while True:
        positions, cosines = lists.nearest(vector, wanted)
        found = zip(positions.tolist(), cosines.tolist(), strict=True)
        alive = [(at, cosine) for at, cosine in found if at not in gone][:count]
        if len(alive) == count or len(positions) < wanted or not gone:
            keys = lists.keys[[at for at, _ in alive]].tolist()
            return list(zip(keys, (cosine for _, cosine in alive), strict=True))
        wanted *= 2


def _found(folder: Path) -> Lists | None:
    """The lists that an earlier process left; what cannot be read is made again."""
    try:
        return Lists.opened(folder / str(_generation(folder)))
    except (OSError, RuntimeError, ValueError):
        return None


def _generation(folder: Path) -> int:
    """The newest generation of lists in the folder, 0 when there is none."""
    return max((int(child.name) for child in folder.glob("[0-9]*")), default=0)


def _ids(keys: Collection[int]) -> Keys:
    return np.fromiter(keys, np.int64, len(keys))
