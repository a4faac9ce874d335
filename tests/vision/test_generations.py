"""A new model's index is made beside the one that answers, and takes its place once it is whole."""

import subprocess
import sys
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from aisle.catalog.v1 import product_pb2

from services.kit.errors import ServiceError
from services.kit.log import CATALOG, Record
from services.kit.testing import wait_until
from services.vision.adapters import indexer
from services.vision.adapters.gallery import CatalogGallery
from services.vision.adapters.generations import Generations, Looked, Now
from services.vision.adapters.memory import LocalInference, MemoryVectors
from services.vision.adapters.sources import Sources, UnreachableSource
from services.vision.adapters.view import CatalogView
from services.vision.domain.product import Filter
from services.vision.domain.seen import Seen
from tests.vision.pictures import encoded, picture, publish
from tests.vision.test_indexer import Shop
from tests.vision.test_view import TIME, change

OLD, NEW, NEWEST = "colours:1", "colours:2", "colours:3"
PICTURES = 70


class Gated(LocalInference):
    """Models that see as many pictures as they may, and have no room for more until they may see all."""

    def __init__(self, folder: Path, *models: str, **may: int) -> None:
        super().__init__()
        for model in models:
            self.take(folder, model)
        self.seen, self.kept = {OLD: 0, NEW: 0, NEWEST: 0}, list[str]()
        self._may = {f"colours:{name[1:]}": most for name, most in may.items()}

    def open(self, model: str) -> None:
        del self._may[model]

    async def see(self, picture: bytes, model: str = "") -> Seen:
        asked = model or self.models[-1]
        if self.seen[asked] >= self._may.get(asked, 10**6):
            raise ServiceError("OVERLOADED", "no room")
        self.seen[asked] += 1
        return await super().see(picture, model)

    def keep(self, model: str) -> None:
        if self.kept[-1:] != [model]:
            self.kept.append(model)


def shade(number: int) -> product_pb2.Image:
    return product_pb2.Image(content=encoded(picture((number, 0, 250 - number)), "PNG"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return publish(tmp_path).path


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    one = Shop(tmp_path, Sources())
    for number in range(PICTURES):
        one.put(shade(number))
    return one


async def finds(shop: Shop, inference: LocalInference, number: int, product_id: str) -> bool:
    """Whether a search by a picture finds a product, as the service does it."""
    shelf = shop.gallery.answering
    seen = await inference.see(shade(number).content, shelf.model)
    return [one.product_id for one in shelf.search(seen, Filter(), 1, fold=False)] == [product_id]


async def holds(shop: Shop, model: str, count: int) -> bool:
    shelf = shop.gallery.answering
    return (shelf.model, len(shelf)) == (model, count)


async def test_the_old_index_answers_and_follows_the_log_until_the_new_one_is_whole(
    shop: Shop, model: Path
) -> None:
    inference = Gated(model, OLD, _2=40)
    async with shop.indexing(inference):
        await wait_until(lambda: holds(shop, OLD, PICTURES))
        inference.take(model, NEW)
        await wait_until(lambda: _equal(inference.seen[NEW], 40))
        shop.put(shade(200))  # while the new one is half made
        shop.delete("p0")
        await wait_until(lambda: finds(shop, inference, 200, f"p{PICTURES}"))
        await wait_until(lambda: finds(shop, inference, 0, "p1"))
        assert await holds(shop, OLD, PICTURES)
        held = shop.gallery.answering
        inference.open(NEW)
        await wait_until(lambda: holds(shop, NEW, PICTURES))
        assert await finds(shop, inference, 200, f"p{PICTURES}")
        assert len(held) >= PICTURES  # whoever was in the middle of a search finds all the same
        await wait_until(lambda: _equal(shop.view.generations.counts(OLD), (0, 0)))
    again = CatalogGallery(shop.view, MemoryVectors)
    await again.start()  # as a process does, before it is ready
    assert (again.answering.model, len(again.answering)) == (NEW, PICTURES)
    assert inference.kept == [OLD, NEW]
    assert shop.view.generations.now() == Now(NEW, "")


async def test_in_memory_is_one_generation_and_how_far_the_other_is_gets_told(
    shop: Shop, model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[weakref.ref[MemoryVectors]] = []

    def vectors() -> MemoryVectors:
        one = MemoryVectors()
        made.append(weakref.ref(one))
        return one

    def alive() -> int:
        return sum(len(one) for ref in made if (one := ref()) is not None)

    monkeypatch.setattr(indexer, "PROGRESS_SECONDS", 0.0)
    shop.gallery = CatalogGallery(shop.view, vectors)
    inference = Gated(model, OLD, _2=64)
    caplog.set_level("INFO", "aisle.vision.indexer")
    async with shop.indexing(inference):
        await wait_until(lambda: holds(shop, OLD, PICTURES))
        inference.take(model, NEW)
        await wait_until(lambda: _equal(shop.view.generations.counts(NEW), (64, PICTURES - 64)))
        assert alive() == PICTURES
        inference.open(NEW)
        await wait_until(lambda: holds(shop, NEW, PICTURES))
        await wait_until(lambda: _equal(alive(), PICTURES))
    told = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    far = [(one["seen"], one["left"]) for one in told if one.get("model") == NEW and "left" in one]
    assert far[:3] == [(32, PICTURES - 32), (64, PICTURES - 64), (PICTURES, 0)]
    assert "indexer.swapped" in {one["event"] for one in told}


async def test_a_third_model_gives_up_the_second_and_the_first_still_answers(shop: Shop, model: Path) -> None:
    inference = Gated(model, OLD, _2=40, _3=40)
    async with shop.indexing(inference):
        await wait_until(lambda: holds(shop, OLD, PICTURES))
        inference.take(model, NEW)
        await wait_until(lambda: _equal(inference.seen[NEW], 40))
        inference.take(model, NEWEST)
        inference.open(NEW)
        await wait_until(lambda: _equal(inference.seen[NEWEST], 40))
        assert await holds(shop, OLD, PICTURES)
        inference.open(NEWEST)
        await wait_until(lambda: holds(shop, NEWEST, PICTURES))
        await wait_until(lambda: _equal(shop.view.generations.counts(NEW), (0, 0)))


async def test_a_picture_whose_host_is_away_holds_the_new_index_up_three_times(
    tmp_path: Path, model: Path
) -> None:
    asked: list[str] = []
    away = False

    async def fetch(uri: str) -> bytes:
        asked.append(uri)
        if away:
            raise UnreachableSource("its host answers 503")
        return encoded(picture())

    shop, inference = Shop(tmp_path, Sources(fetch=fetch)), Gated(model, OLD)
    shop.put(product_pb2.Image(uri="https://shop.example/red.png"), shade(1))
    async with shop.indexing(inference):
        await wait_until(lambda: holds(shop, OLD, 2))
        away = True
        inference.take(model, NEW)
        await wait_until(lambda: holds(shop, NEW, 1))
        assert len(asked) >= 4
        away = False
        await wait_until(lambda: holds(shop, NEW, 2))


# The child indexes with the first model, then with both; tells again and again how far it is.
CHILD = """
import asyncio, sys
from pathlib import Path
from services.vision.adapters.sources import Sources
from tests.vision.test_generations import NEW, OLD, PICTURES, Gated, holds
from tests.vision.test_indexer import Shop, wait_until

async def main(home, folder):
    shop, inference = Shop(home, Sources()), Gated(folder, OLD)
    generations = shop.view.generations
    if generations.now().answers:  # the one before had both, and may have been killed with the new one whole
        inference.take(folder, NEW)
    async with shop.indexing(inference):
        await wait_until(lambda: shop.holds(PICTURES))
        inference.take(folder, NEW)
        while True:
            shelf = shop.gallery.answering
            print(shelf.model, len(shelf), generations.counts(NEW)[0], inference.seen[NEW], flush=True)
            await asyncio.sleep(0.01)

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
"""


def test_killed_half_way_the_old_index_answers_whole_and_the_new_one_goes_on(
    tmp_path: Path, shop: Shop, model: Path
) -> None:
    shop.view.database.close()
    kept, least = 0, [1, 40, PICTURES]
    while least:
        command = [sys.executable, "-c", CHILD, str(tmp_path), str(model)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        before, wanted = kept, least.pop(0)
        for line in child.stdout:
            answering, count, made, seen = line.split()
            assert int(count) == PICTURES, line  # whole, whichever answers
            kept = int(made)
            assert int(seen) <= kept - before + indexer.BATCH  # what was kept is not seen again
            if (kept >= wanted) if least else (answering == NEW):
                break
        child.kill()
        child.wait()
        child.stdout.close()
    assert CatalogView(tmp_path / "view.db").generations.now() == Now(NEW, "")


def generations(folder: Path, *pictures: str) -> tuple[CatalogView, Generations, Sequence[str]]:
    view = CatalogView(folder / "view.db")
    view.apply([Record(CATALOG, 1, "a", change("a", *pictures), TIME)])
    view.generations.begin("m")
    return view, view.generations, [source.key for source in view.generations.unseen("m", "", 10)]


LOOKED = Looked(np.ones(2, np.float32), bytes(range(144)) * 3)


def test_what_is_still_to_be_seen_is_what_this_model_has_not(tmp_path: Path) -> None:
    _, kept, (one, two, three) = generations(tmp_path, "one", "two", "three")

    def unseen(model: str, after: str = "", count: int = 10) -> list[str]:
        return [source.key for source in kept.unseen(model, after, count)]

    assert unseen("m", one, 1) == [two]
    kept.keep("m", {one: LOOKED, "gone": LOOKED})
    first, gone = kept.thumbnails([one, "gone"])
    assert first.tobytes() == np.array([*range(144)] * 3, np.float32).tobytes()
    assert np.isnan(gone).all()
    kept.refuse(three)
    assert (unseen("m"), kept.counts("m")) == ([two], (1, 1))
    kept.begin("m")  # as a process does when it starts: what was refused is tried again
    assert unseen("m") == sorted([two, three])
    kept.begin("n")
    assert (kept.now(), kept.counts("n"), kept.lacking()) == (Now("m", "n"), (0, 3), [one])


def test_what_is_gone_is_swept_bit_by_bit_and_nothing_else(tmp_path: Path) -> None:
    view, kept, keys = generations(tmp_path, "one", "two", "three")
    kept.keep("m", dict.fromkeys(keys, LOOKED))
    kept.begin("n")
    kept.keep("n", dict.fromkeys(keys, LOOKED))
    assert kept.sweep(2) == 0
    kept.answer("n")
    assert [kept.sweep(2) for _ in range(3)] == [2, 1, 0]
    assert (kept.counts("m"), kept.counts("n")) == ((0, 0), (3, 0))
    view.apply([Record(CATALOG, 2, "a", change("a", "two", "four"), TIME)])
    assert (kept.counts("m"), kept.counts("n")) == ((0, 0), (1, 1))


async def _equal(found: object, expected: object) -> bool:
    return found == expected
