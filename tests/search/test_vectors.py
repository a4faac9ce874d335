"""The suite that every adapter of Vectors passes, and the lists of FAISS."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from services.search.adapters.faiss_vectors import FaissVectors
from services.search.adapters.memory import MemoryVectors
from services.search.adapters.milvus_client import Milvus
from services.search.adapters.milvus_vectors import MilvusVectors
from services.search.domain.ports import Vector, Vectors

ROWS = np.eye(4, dtype=np.float32)


@pytest.fixture(
    params=[
        lambda _: FaissVectors(4),
        lambda _: FaissVectors(4, exact=1),
        lambda _: MemoryVectors(),
        lambda folder: MilvusVectors(Milvus(str(folder / "milvus.db"), seconds=30), "test", "1", 4),
    ],
    ids=["faiss", "faiss lists", "memory", "milvus"],
)
def vectors(request: pytest.FixtureRequest, tmp_path: Path) -> Vectors:
    make: Callable[[Path], Vectors] = request.param
    return make(tmp_path)


def test_an_empty_index_answers_nothing(vectors: Vectors) -> None:
    assert vectors.nearest(ROWS[0], 5) == []
    assert vectors.similarity(ROWS[0], [1]) == {}
    vectors.remove([1])
    assert vectors.keys() == set()


def test_nearest_stand_first_and_removed_ones_are_gone(vectors: Vectors) -> None:
    big = 2**62 + 5
    vectors.add([7, big, 9], ROWS[:3])
    query = np.array([0.6, 0.8, 0, 0], np.float32)
    assert [key for key, _ in vectors.nearest(query, 2)] == [big, 7]
    assert vectors.nearest(query, 2)[0][1] == pytest.approx(0.8, abs=5e-3)
    assert vectors.similarity(query, [9, 7, 1]) == pytest.approx({7: 0.6, 9: 0.0}, abs=5e-3)
    vectors.remove([big, 1])
    assert [key for key, _ in vectors.nearest(query, 1)] == [7]
    assert vectors.keys() == {7, 9}


def test_a_key_keeps_its_first_vector(vectors: Vectors) -> None:
    vectors.add([1], ROWS[:1])
    vectors.add([1, 2], ROWS[1:3])
    assert vectors.similarity(ROWS[0], [1, 2]) == pytest.approx({1: 1.0, 2: 0.0}, abs=5e-3)
    assert len(vectors.nearest(ROWS[0], 9)) == 2


def clustered(count: int) -> Vector:
    """Rows of length 1 around 50 centres."""
    dice = np.random.default_rng(3)
    centres = dice.standard_normal((50, 32))
    rows = centres[dice.integers(0, 50, count)] + 0.7 * dice.standard_normal((count, 32))
    normal: Vector = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return normal


def test_lists_find_nearly_what_comparing_all_finds() -> None:
    rows = clustered(6_000)
    lists, everything = FaissVectors(32, exact=1_000), FaissVectors(32)
    for vectors in (lists, everything):
        for start in range(0, 6_000, 500):
            vectors.add(range(start, start + 500), rows[start : start + 500])
        vectors.remove(range(0, 3_000, 3))
    assert lists.keys() == everything.keys()
    found = same = 0
    for query in clustered(100):
        right = {key for key, _ in everything.nearest(query, 10)}
        same += len(right & {key for key, _ in lists.nearest(query, 10)})
        found += len(right)
    assert same / found > 0.9


def test_rows_that_come_and_go_while_lists_are_learnt_are_right() -> None:
    rows = clustered(8_000)
    vectors = FaissVectors(32, exact=500)
    with ThreadPoolExecutor(3) as pool:
        parts = [range(start, start + 100) for start in range(0, 8_000, 100)]
        list(pool.map(lambda part: vectors.add(part, rows[part.start : part.stop]), parts))
        list(pool.map(lambda part: vectors.remove(part[:50]), parts))
    left = {key for part in parts for key in part[50:]}
    assert vectors.keys() == left
    for key in sorted(left)[::97]:
        assert vectors.nearest(rows[key], 1)[0][0] == key
    assert vectors.similarity(rows[0], range(8_000)).keys() == left


def test_a_removed_key_may_come_again(vectors: Vectors) -> None:
    vectors.add([1, 2], ROWS[:2])
    vectors.remove([1])
    assert vectors.similarity(ROWS[0], [1]) == {}
    vectors.add([1], ROWS[2:3])
    assert vectors.similarity(ROWS[2], [1]) == pytest.approx({1: 1.0}, abs=5e-3)
    assert vectors.keys() == {1, 2}
    assert [key for key, _ in vectors.nearest(ROWS[2], 1)] == [1]


def test_lists_are_found_again_by_the_next_process(tmp_path: Path) -> None:
    rows = clustered(2_000)
    first = FaissVectors(32, exact=500, folder=tmp_path)
    for start in range(0, 2_000, 250):
        first.add(range(start, start + 250), rows[start : start + 250])
    second = FaissVectors(32, exact=500, folder=tmp_path)
    assert 1_000 < len(second.keys()) <= 2_000, "all that was sorted into lists"
    second.add(range(2_000), rows)
    assert second.keys() == first.keys() == set(range(2_000))
    assert all(second.nearest(rows[key], 1)[0][0] == key for key in range(0, 2_000, 97))


@pytest.mark.parametrize("lost", ["lists", "keys.npy", "scale", "rows"])
def test_lists_that_cannot_be_read_are_made_again(tmp_path: Path, lost: str) -> None:
    rows = clustered(1_000)
    FaissVectors(32, exact=500, folder=tmp_path).add(range(1_000), rows)
    (file,) = tmp_path.glob(f"*/{lost}")
    file.write_bytes(file.read_bytes()[:40])
    vectors = FaissVectors(32, exact=500, folder=tmp_path)
    assert vectors.keys() == set()
    vectors.add(range(1_000), rows)
    assert vectors.nearest(rows[7], 1)[0][0] == 7


def test_lists_full_of_tombstones_are_learnt_anew(tmp_path: Path) -> None:
    rows = clustered(2_000)
    vectors = FaissVectors(32, exact=500, folder=tmp_path)
    vectors.add(range(2_000), rows)
    (before,) = tmp_path.iterdir()
    vectors.remove(range(0, 400))
    assert [before] == [*tmp_path.iterdir()]
    assert len(vectors.nearest(rows[0], 1_600)) == 1_600
    vectors.remove(range(400, 700))
    (after,) = tmp_path.iterdir()
    assert after != before
    assert vectors.keys() == set(range(700, 2_000))
    assert (after / "rows").stat().st_size == 1_300 * 32
