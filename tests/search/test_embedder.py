"""Meaning follows words: what is embedded when, what is kept, and when a new model serves."""

from collections.abc import Sequence
from pathlib import Path

from services.kit.models import Model
from services.kit.testing import wait_until
from services.search.adapters.embedder import Embedder
from services.search.adapters.memory import ConceptEncoder, MemoryVectors
from services.search.adapters.sqlite_view import SearchDatabase, SearchView
from services.search.adapters.vector_table import VectorTable
from services.search.domain.ports import Vector
from tests.search.shop import CONCEPTS, SHOP, delete, product, records, upsert

TEXTS = len(SHOP)


class Counting(ConceptEncoder):
    """Counts what it encodes."""

    encoded = 0

    def encode(self, texts: Sequence[str]) -> Vector:
        Counting.encoded += len(texts)
        return super().encode(texts)


def model(version: str) -> Model:
    return Model(version, Path(), {}, {})


def embedder(database: SearchDatabase) -> Embedder:
    Counting.encoded = 0
    return Embedder(database, lambda m: Counting(CONCEPTS, m.version), lambda _: MemoryVectors())


async def test_texts_are_embedded_once_and_kept(database: SearchDatabase) -> None:
    first = embedder(database)
    first.load(model("1"))
    await first.start()
    await wait_until(lambda: first.complete)
    assert Counting.encoded == TEXTS
    await first.close()
    second = embedder(database)
    second.load(model("1"))
    assert second.meaning is not None
    assert len(second.meaning.vectors.keys()) == TEXTS
    await second.tend(second.meaning)
    assert Counting.encoded == 0
    await second.close()


async def test_live_changes_are_embedded_and_forgotten(database: SearchDatabase) -> None:
    at_work = embedder(database)
    at_work.load(model("1"))
    await at_work.start()
    await wait_until(lambda: at_work.complete)
    assert at_work.meaning is not None
    vectors = at_work.meaning.vectors
    view = SearchView(database)
    same = product("copy", "Whole Milk")
    for number, (entry, count) in enumerate(
        [
            (upsert(same), TEXTS),
            (upsert(product("new", "Kefir")), TEXTS + 1),
            (delete("new"), TEXTS),
            (upsert(product("new", "Kefir")), TEXTS + 1),
            (delete("milk-1"), TEXTS + 1),
            (delete("copy"), TEXTS),
        ]
    ):
        (record,) = records([entry])
        view.apply([type(record)(record.stream, 100 + number, record.key, record.payload, record.time)])
        await wait_until(lambda count=count: len(vectors.keys()) == count, 2)  # type: ignore[misc]
    await at_work.close()


async def test_a_new_model_serves_when_it_has_every_text(database: SearchDatabase) -> None:
    at_work = embedder(database)
    assert at_work.meaning is None
    at_work.load(model("1"))
    assert at_work.meaning is not None, "the first serves at once, with the vectors there are"
    await at_work.tend(at_work.meaning)
    at_work.load(model("2"))
    assert at_work.meaning.encoder.tag == "1"
    assert not at_work.complete
    await at_work.start()
    await wait_until(lambda: at_work.complete)
    assert at_work.meaning.encoder.tag == "2"
    assert len(at_work.meaning.vectors.keys()) == TEXTS
    assert len(VectorTable(database).missing("1")) == TEXTS, "the old model's vectors are gone"
    await at_work.close()
