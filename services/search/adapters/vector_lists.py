"""Vectors in inverted lists: short codes in memory tell what may be near, rows mapped from a file what is.

A row is there twice: as the product quantiser's 4-bit code, of which FAISS compares 32 at a time (Andre et
al. 2015), and as 8 bits a number in a file that is mapped, not loaded. The codes choose candidates, the rows
put them in order. Lists never change once they are made: more rows make other lists, beside those that serve.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
import numpy.typing as npt

from services.search.domain.ports import Vector

Keys = npt.NDArray[np.int64]

LISTS: Final = 2
"""Times the square root of the rows: how many lists there are."""

PROBES: Final = 64
"""Lists that a query looks into; recall and time by their number stand in docs/search-speed.md."""

CANDIDATES: Final = 4
LEAST_CANDIDATES: Final = 400
"""Rows that are compared for each that is asked for, and at least."""

PART: Final = 4
"""Numbers of a row that make 4 bits of its code together."""

_SAMPLE: Final = 40
_LEAST_SAMPLE: Final = 16  # values of 4 bits, each of which is learnt
_CHUNK: Final = 20_000
_QUANTIZER_TRAINS_ALONE: Final = 2  # FAISS's code: k-means first, the centroids' graph after it


class Lists:
    """Rows by position, with the key of each; of two rows with one key the later counts."""

    def __init__(self, folder: Path, keys: Keys, index: Any, scale: Any) -> None:
        """`scale` turns rows into bytes and back; the folder holds the bytes of at least these keys."""
        self.folder = folder
        self.keys = keys
        self.scale = scale
        self._index = index
        rows = np.memmap(folder / "rows", np.uint8, "r", shape=(len(keys), scale.sa_code_size()))
        self._bytes = rows.view(np.ndarray)  # a memmap's own indexing is slower
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]

    @classmethod
    def learn(cls, folder: Path, keys: Keys, rows: Callable[[Keys], Vector], scale: Any = None) -> "Lists":
        """Lists of these keys, in a new folder; `rows` gives the rows at positions of `keys`."""
        folder.mkdir(parents=True)
        index = _untrained(rows(np.zeros(1, np.int64)).shape[1], len(keys))
        few = min(len(keys), max(_LEAST_SAMPLE, _SAMPLE * index.nlist))
        chosen = np.random.default_rng(0).choice(len(keys), few, replace=False)
        sample = rows(np.sort(np.resize(chosen, max(few, _LEAST_SAMPLE))))
        index.train(sample)
        if scale is None:
            scale = faiss.IndexScalarQuantizer(sample.shape[1], faiss.ScalarQuantizer.QT_8bit)
            scale.train(sample)
        for start in range(0, len(keys), _CHUNK):
            some = rows(np.arange(start, min(start + _CHUNK, len(keys))))
            _append(folder, scale, some)
            index.add(some)
        return cls(folder, keys, index, scale)

    @classmethod
    def opened(cls, folder: Path) -> "Lists":
        """Those that `save` left there. Raises OSError, RuntimeError or ValueError."""
        read = faiss.read_index
        index, scale = read(str(folder / "lists")), read(str(folder / "scale"))
        keys = np.load(folder / "keys.npy")
        if index.ntotal != len(keys):
            raise ValueError("the lists and their keys were not saved together")
        return cls(folder, keys, index, scale)

    def save(self) -> None:
        """Keeps them in their folder; a process killed meanwhile leaves what was saved before."""
        faiss.write_index(self.scale, str(self.folder / "scale"))
        faiss.write_index(self._index, str(self.folder / "lists.new"))
        np.save(self.folder / "keys.new.npy", self.keys)
        (self.folder / "lists.new").rename(self.folder / "lists")
        (self.folder / "keys.new.npy").rename(self.folder / "keys.npy")

    def plus(self, keys: Keys, rows: Vector) -> "Lists":
        """These and more rows, sorted into the same lists; both may be searched."""
        with (self.folder / "rows").open("r+b") as file:
            file.truncate(self._bytes.size)
        _append(self.folder, self.scale, rows)
        index = faiss.clone_index(self._index)
        index.add(np.ascontiguousarray(rows, np.float32))
        return Lists(self.folder, np.concatenate((self.keys, keys)), index, self.scale)

    def positions(self, keys: Keys) -> Keys:
        """Where each key's row is, -1 for a key that has none."""
        at = np.searchsorted(self._sorted, keys, side="right") - 1
        return np.where((at >= 0) & (self._sorted[at] == keys), self._order[at], -1)

    def rows(self, positions: Keys) -> Vector:
        """Rows (n, dimension)."""
        found: Vector = self.scale.sa_decode(self._bytes[positions])
        return found

    def nearest(self, vector: Vector, count: int) -> tuple[Keys, Vector]:
        """Positions of about the nearest rows, and their cosines, nearest first."""
        wanted = max(CANDIDATES * count, LEAST_CANDIDATES)
        if wanted < len(self.keys):
            found = self._index.search(vector[None, :], wanted)[1][0]
            found = np.sort(found[found >= 0])  # in the file's order; the lists looked into may hold fewer
        else:
            found = np.arange(len(self.keys))
        cosines = self.rows(found) @ vector
        best = np.argsort(-cosines, kind="stable")[:count]
        return found[best], cosines[best]

    def forget(self) -> None:
        """Deletes the folder; what is mapped from it stays readable."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _append(folder: Path, scale: Any, rows: Vector) -> None:
    with (folder / "rows").open("ab") as file:
        file.write(scale.sa_encode(np.ascontiguousarray(rows, np.float32)).tobytes())


def _untrained(dimension: int, count: int) -> Any:
    """Lists whose centroids are found by a graph (HNSW)."""
    lists = max(1, min(count // _SAMPLE, round(LISTS * count**0.5)))
    centroids = faiss.IndexHNSWFlat(dimension, 32, faiss.METRIC_INNER_PRODUCT)
    centroids.hnsw.efConstruction, centroids.hnsw.efSearch = 80, PROBES
    parts = next(parts for parts in range(max(1, dimension // PART), 0, -1) if dimension % parts == 0)
    index: Any = faiss.IndexIVFPQFastScan(centroids, dimension, lists, parts, 4, faiss.METRIC_INNER_PRODUCT)
    index.quantizer_trains_alone = _QUANTIZER_TRAINS_ALONE
    index.cp.niter, index.cp.spherical, index.cp.max_points_per_centroid = 8, True, _SAMPLE
    index.nprobe = PROBES
    if hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus():
        # faiss-gpu is there: it learns the centroids; a query alone is not worth the way to the GPU.
        index.clustering_index = faiss.index_cpu_to_all_gpus(faiss.IndexFlatIP(dimension))
    return index
