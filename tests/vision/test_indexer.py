"""The indexer: each picture is seen once, whatever stops it; what cannot be had now is asked for again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aisle.catalog.v1 import product_pb2

from services.kit.errors import ServiceError
from services.kit.log import CATALOG, Record
from services.kit.testing import wait_until
from services.kit.workers import Workers
from services.vision.adapters.gallery import CatalogGallery
from services.vision.adapters.indexer import Indexer
from services.vision.adapters.memory import LocalInference, MemoryVectors
from services.vision.adapters.sources import Sources, UnreachableSource
from services.vision.adapters.view import CatalogView
from services.vision.domain.seen import Seen
from tests.vision.pictures import RED, encoded, picture, publish

PICTURES = 80
TIME = datetime(2026, 1, 1, tzinfo=UTC)


class Counting(LocalInference):
    """Sees a picture, counts it, and stands still after as many as it may."""

    def __init__(self, folder: Path, may: int = 10**6) -> None:
        super().__init__()
        self.take(folder, "colours:1")
        self.seen, self._may = 0, may

    async def see(self, picture: bytes, model: str = "") -> Seen:
        if self.seen >= self._may:
            await asyncio.Event().wait()
        self.seen += 1
        return await super().see(picture, model)


class Shop:
    """The view, and all that an indexer needs besides."""

    def __init__(self, folder: Path, sources: Sources) -> None:
        self.view = CatalogView(folder / "view.db")
        self.gallery = CatalogGallery(self.view, MemoryVectors)
        self.sources = sources
        self.sequence = self.view.position(CATALOG)

    def put(self, *images: product_pb2.Image) -> None:
        product = product_pb2.Product(id=f"p{self.sequence}", title="p", images=images)
        payload = product_pb2.ProductChange(upsert=product).SerializeToString()
        self.sequence += 1
        self.view.apply([Record(CATALOG, self.sequence, product.id, payload, TIME)])

    def delete(self, product_id: str) -> None:
        payload = product_pb2.ProductChange(delete_id=product_id).SerializeToString()
        self.sequence += 1
        self.view.apply([Record(CATALOG, self.sequence, product_id, payload, TIME)])

    async def holds(self, count: int) -> bool:
        return len(self.gallery.answering) == count

    @asynccontextmanager
    async def indexing(self, inference: LocalInference) -> AsyncIterator[Indexer]:
        workers = Workers("decode")
        indexer = Indexer(self.view, self.gallery, inference, workers, self.sources, retry=0.01)
        await indexer.start()
        yield indexer
        await indexer.close()
        await workers.close()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return publish(tmp_path).path


async def test_cut_short_it_goes_on_and_sees_no_picture_twice(tmp_path: Path, model: Path) -> None:
    shop = Shop(tmp_path, Sources())
    for number in range(PICTURES):
        shop.put(product_pb2.Image(content=encoded(picture((number, 0, 0)), "PNG")))
    first, second = Counting(model, may=50), Counting(model)
    async with shop.indexing(first):
        await wait_until(lambda: shop.holds(32))  # a whole batch; the next one stands still
    again = Shop(tmp_path, Sources())
    async with again.indexing(second):
        await wait_until(lambda: again.holds(PICTURES))
    assert second.seen == PICTURES - 32  # what was kept is not seen again
    assert again.view.generations.counts("colours:1") == (PICTURES, 0)


async def test_what_a_host_does_not_give_now_is_asked_for_again(tmp_path: Path, model: Path) -> None:
    answers: list[bytes] = []

    async def fetch(uri: str) -> bytes:
        if not answers:
            raise UnreachableSource("its host answers 503")
        return answers[0]

    shop = Shop(tmp_path, Sources(fetch=fetch))
    shop.put(product_pb2.Image(uri="https://shop.example/red.png"))
    shop.put(product_pb2.Image(content=encoded(picture())))
    async with shop.indexing(Counting(model)) as indexer:
        await wait_until(lambda: shop.holds(1))  # the other is not kept waiting
        answers.append(encoded(picture(RED, (10, 10))))
        await wait_until(lambda: shop.holds(2), timeout=10)
        await indexer.ping()


async def test_of_a_batch_that_fails_what_was_seen_is_kept(tmp_path: Path, model: Path) -> None:
    class Overloaded(Counting):
        async def see(self, picture: bytes, model: str = "") -> Seen:
            if self.seen == 5:
                self.seen += 1
                raise ServiceError("OVERLOADED", "no room")
            return await super().see(picture, model)

    shop, inference = Shop(tmp_path, Sources()), Overloaded(model)
    for number in range(10):
        shop.put(product_pb2.Image(content=encoded(picture((number, 0, 0)), "PNG")))
    async with shop.indexing(inference):
        await wait_until(lambda: shop.holds(10))
    assert inference.seen == 11  # each once, and once in vain
