"""The suite that every RetrievalBackend passes: the embedded engine, and Milvus run by milvus-lite."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.search.adapters.embedded_backend import EmbeddedBackend
from services.search.adapters.memory import ConceptEncoder
from services.search.adapters.milvus_backend import MilvusBackend
from services.search.adapters.milvus_client import Milvus
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.vector_table import VectorTable
from services.search.domain.attributes import GROUP, range_name
from services.search.domain.dense import Meaning
from services.search.domain.ports import Place, Shelf, Wanted
from services.search.domain.request import FACETS, Filter, Order, Request
from services.search.domain.search import Searcher
from services.search.domain.text import fingerprint
from tests.search.shop import CONCEPTS, SHOP, TEA, delete, fill, product, upsert
from tests.search.test_attributes import SHOES
from tests.search.test_grouping import SHOES as BOOTS

Backend = Any
Open = Callable[[Path], Backend]
DIMENSION = 256
ODD = product("odd", 'Bob\'s "Best" 2" \\ {pan}', 'Pots & "Pans"', "O'Hare", 9.0, description="A pan, 2 l")
OPEN: dict[str, Open] = {
    "embedded": lambda home: EmbeddedBackend(home, DIMENSION),
    "milvus": lambda home: MilvusBackend(
        home, Milvus(str(home / "milvus.db"), seconds=30), dimension=DIMENSION
    ),
}


@pytest.fixture(scope="module", params=OPEN)
def opened(request: pytest.FixtureRequest) -> Open:
    def made(home: Path) -> Backend:
        backend = OPEN[request.param](home)
        backend.open()
        return backend

    return made


@pytest.fixture(scope="module")
def backend(opened: Open, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    made = opened(tmp_path_factory.mktemp("shop"))
    fill(made.database, [upsert(item) for item in (*SHOP, ODD)])
    yield made
    made.database.close()


@pytest.fixture
def shelf(backend: Backend) -> Iterator[Shelf]:
    with backend.look() as look:
        yield look


def ids(shelf: Shelf, wanted: Wanted) -> list[str]:
    found = [candidate.product_id for candidate in shelf.ranked(wanted, 100)]
    assert len(found) == shelf.count(wanted)
    return found


def key(product_id: str) -> int:
    """Of a product without a description."""
    return fingerprint(f"{next(item for item in SHOP if item.id == product_id).title}.")


OAT, MILK = ("oat",), ("milk",)
WORDS = [
    (Wanted((OAT, MILK)), ["milk-2", "milk-3"]),
    (Wanted((("milks",),)), ["choc-1", "milk-1", "milk-2", "milk-3"]),
    (Wanted((("CREME",),)), ["cafe"]),
    (Wanted((("choco",),)), []),
    (Wanted((("choco",),), prefix=True), ["choc-1", "choc-2"]),
    (Wanted((("wooden", "oat milk"),)), ["milk-2", "milk-3", "toy-1"]),
    (Wanted((("milk oat",),)), []),
    (Wanted((("black",), ("train",)), every=False), ["tea-2", "toy-1"]),
    (Wanted((("味",),)), ["cjk"]),
    (Wanted((("🍕",),)), []),
    (Wanted((('2"',), ("pan",))), ["odd"]),
    (Wanted(texts=(key("tea-1"), key("gift"), 5)), ["gift", "tea-1"]),
    (Wanted((("cow",),), texts=(key("tea-1"), key("toy-2"))), ["tea-1", "toy-2"]),
]


@pytest.mark.parametrize(("wanted", "expected"), WORDS)
def test_words_phrases_and_texts_are_found(shelf: Shelf, wanted: Wanted, expected: list[str]) -> None:
    assert sorted(ids(shelf, wanted)) == expected


def test_what_has_most_of_the_words_stands_first_and_what_has_none_last(shelf: Shelf) -> None:
    found = shelf.ranked(Wanted((OAT, MILK), every=False, texts=(key("tea-1"),)), 10)
    assert {candidate.product_id for candidate in found[:2]} == {"milk-2", "milk-3"}
    assert found[-1].product_id == "tea-1"
    assert found[-1].score == 0 < found[-2].score
    assert [candidate.score for candidate in found] == sorted((c.score for c in found), reverse=True)
    assert shelf.ranked(Wanted((OAT, MILK), every=False), 1)[0].product_id in ("milk-2", "milk-3")
    assert found[-1].text_key == key("tea-1")


FILTERS = [
    (Filter(categories=("Grocery > Tea", "Toys")), ["tea-1", "tea-2", "toy-1", "toy-2"]),
    (Filter(categories=("Grocery > Te",)), []),
    (Filter(categories=('Pots & "Pans"',), brands=("o'hare",)), ["odd"]),
    (Filter(brands=("acme",), currency="USD", maximum=1_750_000), ["choc-1", "choc-2"]),
    (Filter(currency="USD", minimum=12_000_000, maximum=25_000_000), ["toy-1", "toy-2"]),
    (Filter(currency="EUR"), []),
    (Filter(categories=(TEA, "Grocery > Dairy"), in_stock_only=True), ["milk-1", "milk-2", "tea-1", "tea-2"]),
    (Filter(categories=("Grocery > Dairy",), without=("oat",)), ["milk-1"]),
]


@pytest.mark.parametrize(("filter_", "expected"), FILTERS)
def test_filters_let_through(shelf: Shelf, filter_: Filter, expected: list[str]) -> None:
    assert sorted(ids(shelf, Wanted(filter=filter_))) == expected


def test_a_product_that_says_it_is_without_the_word_is_not_left_out(opened: Open, tmp_path: Path) -> None:
    backend = opened(tmp_path)
    items = (
        product("a", "Cola sugar free"),
        product("b", "Cola with sugar"),
        product("c", "Cola, no added sugar"),
    )
    fill(backend.database, [*map(upsert, items)])
    with backend.look() as shelf:
        assert sorted(ids(shelf, Wanted((("cola",),), filter=Filter(without=("sugar",))))) == ["a", "c"]
    backend.database.close()


def test_a_description_says_words_side_by_side(shelf: Shelf) -> None:
    documents = {c.product_id: c.document for c in shelf.ranked(Wanted(), 100)}
    among = list(documents.values())
    assert shelf.saying((("beech",), ("wood",)), among) == {documents["toy-1"]}
    assert shelf.saying((("train",),), among) == {documents["toy-1"]}
    assert shelf.saying((("wood",), ("beech",)), among) == set()
    assert shelf.saying((("green",), ("tea",)), among) == set(), "only its title says it"
    assert shelf.saying((("beech",),), [documents["odd"]]) == shelf.saying((("beech",),), []) == set()


def test_matching_words_of_titles_are_told(shelf: Shelf) -> None:
    told = shelf.title_words(Wanted((("milks",), ("bar",)), prefix=True), ["milk-3", "tea-1"])
    assert told == {"milk-3": ["Milk", "Barista"], "tea-1": []}


def listed(
    shelf: Shelf, wanted: Wanted, order: Order, after: Place | None = None, limit: int = 99
) -> list[str]:
    return [place.product_id for place in shelf.listing(wanted, order, after, limit)]


def test_orders_list_by_price_or_id(shelf: Shelf) -> None:
    every = sorted(item.id for item in (*SHOP, ODD))
    assert listed(shelf, Wanted(), Order.RELEVANCE) == every
    milk = Wanted((MILK,))
    assert listed(shelf, milk, Order.PRICE_ASCENDING) == ["choc-1", "milk-1", "milk-2", "milk-3"]
    assert listed(shelf, milk, Order.PRICE_DESCENDING) == ["milk-3", "milk-2", "milk-1", "choc-1"]
    assert listed(shelf, Wanted(), Order.PRICE_ASCENDING)[-1] == "gift", "without a price"
    assert listed(shelf, Wanted((("nowhere",),)), Order.PRICE_ASCENDING) == []


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("size", [1, 4, 12, 13, 50])
def test_a_list_goes_on_after_any_place(shelf: Shelf, order: Order, size: int) -> None:
    whole = shelf.listing(Wanted(), order, None, 99)
    for number, place in enumerate(whole):
        assert shelf.listing(Wanted(), order, place, size) == whole[number + 1 :][:size]


def test_a_list_goes_on_after_a_place_where_nothing_is(shelf: Shelf) -> None:
    between = Place("USD", 2_000_000, "tea-11")
    assert listed(shelf, Wanted(), Order.PRICE_ASCENDING, between, 1) == ["tea-2"]
    assert listed(shelf, Wanted(), Order.PRICE_DESCENDING, between, 1) == ["choc-2"]
    assert listed(shelf, Wanted(), Order.RELEVANCE, Place("", None, "milk"), 1) == ["milk-1"]
    assert listed(shelf, Wanted(), Order.PRICE_ASCENDING, Place("USD", 10**10, ""), 5) == ["gift"]
    assert listed(shelf, Wanted(), Order.PRICE_ASCENDING, Place("", None, "zz"), 5) == []


def test_facets_count_what_is_wanted(shelf: Shelf) -> None:
    told = shelf.facets(FACETS, Wanted((MILK,)), 2)
    assert told == {
        "category": [("Grocery", 4), ("Grocery > Dairy", 3)],
        "brand": [("ACME", 2), ("Oaty", 2)],
        "price": [("USD 2-5", 2), ("USD 1-2", 1)],
        "availability": [("IN_STOCK", 3), ("OUT_OF_STOCK", 1)],
    }
    everything = shelf.facets(("category", "brand"), Wanted(), 50)
    assert ("O'Hare", 1) in everything["brand"]
    assert dict(everything["category"])["Grocery"] == 8
    assert shelf.facets((), Wanted(), 2) == {}


def test_attributes_are_counted_and_let_through(opened: Open, tmp_path: Path) -> None:
    made = opened(tmp_path)
    fill(made.database, [upsert(item) for item in SHOES])
    with made.look() as shelf:
        told = shelf.facets(("attributes.colour", "size"), Wanted(), 50)
        assert told == {
            "attributes.colour": [("red", 2), ("blue", 1), ("white", 1)],
            "size": [("42", 2), ("43", 1)],
        }
        ranges = shelf.facets((f"attributes.{range_name('weight')}",), Wanted(), 50)
        assert list(ranges.values()) == [[("200-500", 2), ("50-100", 1)]]
        for chosen, expected in (
            ((("colour", ("red",)), ("size", ("42", "43"))), ["red-42", "red-43"]),
            ((("colour", ()),), []),
        ):
            assert sorted(ids(shelf, Wanted(filter=Filter(attributes=chosen)))) == expected
    made.database.close()


def test_groups_are_counted_and_products_let_through(opened: Open, tmp_path: Path) -> None:
    made = opened(tmp_path)
    fill(made.database, [upsert(item) for item in BOOTS])
    with made.look() as shelf:
        facet = f"attributes.{GROUP}"
        assert shelf.facets((facet,), Wanted(), 50) == {facet: [("boot", 2), ("clog", 2)]}
        chosen = Filter(products=("boot", "sock", "nothing"))
        assert sorted(ids(shelf, Wanted(filter=chosen))) == ["boot", "sock"]
        of = Filter(attributes=((GROUP, ("boot",)),))
        assert sorted(ids(shelf, Wanted(filter=of))) == ["boot-42", "boot-43"]
    searcher = Searcher(made, lambda: None, SqliteLexicon(made.database))
    for order in Order:
        whole = searcher.search(Request("boot", order=order, group_variants=True))
        assert (len(whole.results), whole.total) == (6, 6)
        first = searcher.search(Request("boot", order=order, group_variants=True, page_size=2))
        after = first.next_page_token
        second = searcher.search(
            Request("boot", order=order, group_variants=True, page_size=2, page_token=after)
        )
        assert [*first.results, *second.results] == whole.results[:4]
    made.database.close()


def test_changes_show_whole_and_survive(opened: Open, tmp_path: Path) -> None:
    backend = opened(tmp_path)
    entries = [*map(upsert, SHOP)]
    fill(backend.database, entries)
    entries += [
        upsert(product("milk-1", "Ayran", "Drinks", "Acme", 1.0)),
        delete("tea-1"),
        delete("never there"),
    ]
    fill(backend.database, entries)
    for again in (False, True):
        if again:
            backend.database.close()
            backend = opened(tmp_path)
        with backend.look() as shelf:
            assert ids(shelf, Wanted((("ayran",),))) == ["milk-1"]
            assert ids(shelf, Wanted((("whole",),))) == []
            assert ids(shelf, Wanted((("green",),))) == []
            assert shelf.count(Wanted()) == len(SHOP) - 1
            assert listed(shelf, Wanted(), Order.PRICE_ASCENDING, limit=1) == ["milk-1"]
            assert shelf.facets(("category",), Wanted((("ayran",),)), 9) == {"category": [("Drinks", 1)]}
    backend.database.clear()
    with backend.look() as shelf:
        assert shelf.count(Wanted()) == 0
    backend.database.close()


def test_a_whole_search_runs_on_it(backend: Backend) -> None:
    meaning = Meaning(ConceptEncoder(CONCEPTS), backend.vectors("concepts"))
    missing = VectorTable(backend.database).missing("concepts")
    meaning.vectors.add([key for key, _ in missing], meaning.encoder.encode([text for _, text in missing]))
    assert backend.vectors("other/1").keys() == set()
    backend.keep_vectors("concepts")
    searcher = Searcher(backend, lambda: meaning, SqliteLexicon(backend.database))
    page = searcher.search(Request("milk", facets=FACETS))
    assert (page.served_by, page.total) == ("hybrid", 5)
    assert page.results[-1].product_id == "toy-2", "a cow means dairy"
    for path, count in page.facets["category"]:
        assert searcher.search(Request("milk", filter=Filter(categories=(path,)))).total == count
    assert [r.product_id for r in searcher.search(Request("mlik under 4")).results] == ["milk-1", "choc-1"]
    assert searcher.search(Request("tea", filter=Filter(currency="EUR"))).total == 0
