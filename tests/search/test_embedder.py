"""Meaning follows words: what is embedded when, what is kept, and when a new model serves."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from services.kit.models import Model
from services.kit.testing import wait_until
from services.search.adapters.embedder import CHUNK, Embedder
from services.search.adapters.memory import ConceptEncoder, MemoryVectors
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_view import SearchDatabase, SearchView
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.adapters.vector_table import VectorTable
from services.search.domain.ports import Vector
from services.search.domain.request import Request
from services.search.domain.search import Searcher
from tests.search.shop import CONCEPTS, SHOP, delete, product, records, shop_database, upsert

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


MANY = [product(f"p{number}", f"Thing number {number}") for number in range(3 * CHUNK)]


class Stopping(ConceptEncoder):
    """An encoder that goes on, from its second chunk, only when it is let."""

    begun, let = threading.Event(), threading.Event()

    def encode(self, texts: Sequence[str]) -> Vector:
        if self.tag == "2" and Stopping.begun.is_set() and len(texts) > 1:
            print("half", flush=True)
            Stopping.let.wait(30)
        if self.tag == "2" and len(texts) > 1:
            Stopping.begun.set()
        return super().encode(texts)


def stopping(database: SearchDatabase) -> Embedder:
    Stopping.begun.clear()
    Stopping.let.clear()
    return Embedder(
        database, lambda m: Stopping(CONCEPTS, m.version), lambda _: MemoryVectors(), earlier=model
    )


async def half_built(at_work: Embedder) -> None:
    """A first model serves whole, and a second has some of the texts."""
    at_work.load(model("1"))
    await at_work.start()
    await wait_until(lambda: at_work.complete)
    at_work.load(model("2"))
    await wait_until(Stopping.begun.is_set)


def killed_half_way(home: Path) -> None:
    """Another process makes the second model's vectors, and is killed (SIGKILL) before it has all."""
    child = subprocess.Popen([sys.executable, "-m", __name__, home], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "half\n"
    child.kill()
    child.wait()


async def test_while_a_new_model_is_made_the_old_one_answers_and_follows_the_log(tmp_path: Path) -> None:
    with shop_database(tmp_path, list(map(upsert, MANY))) as database:
        at_work = stopping(database)
        await half_built(at_work)
        (record,) = records([upsert(product("cow", "Cow"))])
        SearchView(database).apply(
            [type(record)(record.stream, 10_000, record.key, record.payload, record.time)]
        )
        old = at_work.meaning
        assert old is not None
        assert (old.encoder.tag, len(old.vectors.keys())) == ("1", len(MANY))
        Stopping.let.set()
        await wait_until(lambda: at_work.complete)
        assert len(old.vectors.keys()) == len(MANY) + 1, "it had the cow before the new one served"
        new = at_work.meaning
        assert new is not None
        assert (new.encoder.tag, len(new.vectors.keys())) == ("2", len(MANY) + 1)
        assert VectorTable(database).models() == ["2"]
        await at_work.close()


async def test_killed_while_a_new_model_is_made_the_old_one_serves_again(tmp_path: Path) -> None:
    with shop_database(tmp_path, list(map(upsert, MANY))) as database:
        killed_half_way(tmp_path)
        table = VectorTable(database)
        assert table.models() == ["1", "2"]
        assert 0 < len(table.missing("2")) < len(MANY)
        again = stopping(database)
        again.load(model("2"))
        assert again.meaning is not None
        assert (again.meaning.encoder.tag, len(again.meaning.vectors.keys())) == ("1", len(MANY))
        search = Searcher(TantivyCatalogue(database), lambda: again.meaning, SqliteLexicon(database))
        assert search.search(Request("thing number 7")).served_by == "hybrid"
        Stopping.let.set()
        await again.start()
        await wait_until(lambda: again.complete)
        assert (again.meaning.encoder.tag, len(again.meaning.vectors.keys())) == ("2", len(MANY))
        assert table.models() == ["2"]
        await again.close()


async def test_back_to_the_model_that_serves_makes_nothing(database: SearchDatabase) -> None:
    at_work = embedder(database)
    at_work.load(model("1"))
    assert at_work.meaning is not None
    await at_work.tend(at_work.meaning)
    at_work.load(model("2"))
    at_work.load(model("1"))
    assert at_work.complete
    assert at_work.meaning.encoder.tag == "1"
    await at_work.close()


async def _be_killed(home: Path) -> None:
    with shop_database(home, []) as database:
        await half_built(stopping(database))
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_be_killed(Path(sys.argv[1])))
