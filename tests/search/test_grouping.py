"""Variants of a product as one result, in every order and over pages; the right answer is seen by eye."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aisle.catalog.v1 import product_pb2
from aisle.search.v1 import search_pb2

from services.search import wire
from services.search.adapters.memory import ConceptEncoder, MemoryVectors
from services.search.adapters.sqlite_controls import SqliteControls
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_view import SearchDatabase
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.adapters.vector_table import VectorTable
from services.search.domain.answer import Page
from services.search.domain.dense import Meaning
from services.search.domain.errors import InvalidPageToken
from services.search.domain.request import Filter, Order, Request
from services.search.domain.search import Searcher
from tests.search.shop import CONCEPTS, control, fill, product, shop_database, upsert
from tests.search.test_search import ids


def variant(id_: str, title: str, of: str, price: float) -> product_pb2.Product:
    made = product(id_, title, "Shoes", "Acme", price)
    made.primary_product_id = of
    return made


SHOES = (
    product("boot", "Boot", "Shoes", "Acme", 90.0),
    variant("boot-42", "Boot 42", "boot", 95.0),
    variant("boot-43", "Boot 43", "boot", 70.0),
    variant("clog-42", "Clog boot 42", "clog", 30.0),
    variant("clog-43", "Clog boot 43", "clog", 80.0),
    product("sock", "Boot sock", "Socks", "Acme", 5.0),
    *(product(f"lace-{n}", "Boot lace", "Laces", "Acme", 1.0) for n in range(3)),
)


@pytest.fixture
def shoes(tmp_path: Path) -> Iterator[SearchDatabase]:
    with shop_database(tmp_path, list(map(upsert, SHOES))) as database:
        yield database


def searcher(database: SearchDatabase) -> Searcher:
    return Searcher(TantivyCatalogue(database), lambda: None, SqliteLexicon(database))


def variants(page: Page) -> dict[str, tuple[str, ...]]:
    return {result.product_id: result.variants for result in page.results if result.variants}


@pytest.mark.parametrize("query", ["", "boot"])
def test_a_product_and_its_variants_are_one_result(shoes: SearchDatabase, query: str) -> None:
    page = searcher(shoes).search(Request(query, group_variants=True))
    assert sorted(ids(page)) == ["boot", "clog-42", "lace-0", "lace-1", "lace-2", "sock"]
    assert page.total == 6
    told = {name: sorted(others) for name, others in variants(page).items()}
    assert told == {"boot": ["boot-42", "boot-43"], "clog-42": ["clog-43"]}
    assert searcher(shoes).search(Request(query)).total == len(SHOES)


def test_the_first_in_the_order_stands_for_its_group(shoes: SearchDatabase) -> None:
    dear = Request("boot", order=Order.PRICE_DESCENDING, group_variants=True, page_size=2)
    page = searcher(shoes).search(dear)
    assert ids(page) == ["boot-42", "clog-43"]
    assert sorted(variants(page)["boot-42"]) == ["boot", "boot-43"]


def test_only_variants_that_match_are_told_and_counted(shoes: SearchDatabase) -> None:
    cheap = Filter(currency="USD", minimum=20_000_000, maximum=75_000_000)
    page = searcher(shoes).search(Request("boot", filter=cheap, group_variants=True))
    assert (sorted(ids(page)), page.total, variants(page)) == (["boot-43", "clog-42"], 2, {})


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("query", ["", "boot"])
def test_pages_hold_each_group_once(shoes: SearchDatabase, query: str, order: Order) -> None:
    every = ids(searcher(shoes).search(Request(query, order=order, group_variants=True)))
    shown, token = list[str](), ""
    for _ in range(10):
        request = Request(query, order=order, group_variants=True, page_size=2, page_token=token)
        page = searcher(shoes).search(request)
        shown += ids(page)
        if not (token := page.next_page_token):
            break
    assert shown == every


def test_a_group_that_changes_between_pages_comes_once(shoes: SearchDatabase) -> None:
    first = searcher(shoes).search(Request("", group_variants=True, page_size=3))
    assert ids(first) == ["boot", "clog-42", "lace-0"]
    fill(shoes, [*map(upsert, SHOES), upsert(variant("z-boot", "Boot 44", "boot", 10.0))])
    second = Request("", group_variants=True, page_size=3, page_token=first.next_page_token)
    assert ids(searcher(shoes).search(second)) == ["lace-1", "lace-2", "sock"]


def test_a_token_is_of_the_request_with_its_groups(shoes: SearchDatabase) -> None:
    token = searcher(shoes).search(Request("", page_size=1)).next_page_token
    with pytest.raises(InvalidPageToken):
        searcher(shoes).search(Request("", page_size=1, page_token=token, group_variants=True))


def test_a_product_that_names_itself_and_a_variant_of_a_variant(tmp_path: Path) -> None:
    chain = [variant("a", "Hat", "a", 1.0), variant("b", "Hat", "a", 1.0), variant("c", "Hat", "b", 1.0)]
    with shop_database(tmp_path, list(map(upsert, chain))) as database:
        page = searcher(database).search(Request("hat", group_variants=True))
    assert (ids(page), page.total, variants(page)) == (["a", "c"], 2, {"a": ("b",)})


def test_variants_found_by_meaning_are_of_the_group_too(tmp_path: Path) -> None:
    cows = [
        product("cow", "Toy Cow", "Toys", "Acme", 9.0),
        variant("cow-red", "Red Dairy Toy", "cow", 8.0),
        variant("cow-oat", "Dairy Set", "cow", 7.0),
        product("milk", "Whole Milk", "Grocery", "Acme", 3.0),
    ]
    with shop_database(tmp_path, list(map(upsert, cows))) as database:
        meaning = Meaning(ConceptEncoder(CONCEPTS), MemoryVectors())
        keys, texts = zip(*VectorTable(database).missing(meaning.encoder.tag), strict=True)
        meaning.vectors.add(keys, meaning.encoder.encode(texts))
        hybrid = Searcher(TantivyCatalogue(database), lambda: meaning, SqliteLexicon(database))
        page = hybrid.search(Request("cow", group_variants=True))
        first = hybrid.search(Request("cow", group_variants=True, page_size=1))
        second = Request("cow", group_variants=True, page_size=1, page_token=first.next_page_token)
        assert ids(first) + ids(hybrid.search(second)) == ids(page)
    assert (ids(page), page.total, page.served_by) == (["cow", "milk"], 2, "hybrid")
    assert {name: sorted(others) for name, others in variants(page).items()} == {
        "cow": ["cow-oat", "cow-red"]
    }


def test_a_pinned_variant_stands_for_its_group(tmp_path: Path) -> None:
    pin = control(control_id="1", queries=["boot"], pin={"product_id": "boot-43"})
    with shop_database(tmp_path, [*map(upsert, SHOES), pin]) as database:
        controls = SqliteControls(database)
        ruled = Searcher(TantivyCatalogue(database), lambda: None, SqliteLexicon(database), controls=controls)
        page = ruled.search(Request("boot", group_variants=True))
    assert (ids(page)[0], len(page.results), page.total) == ("boot-43", 6, 6)
    assert sorted(variants(page)["boot-43"]) == ["boot", "boot-42"]


def test_groups_come_through_the_protos(shoes: SearchDatabase) -> None:
    asked = wire.request_of(search_pb2.SearchRequest(query="boot 43", group_variants=True))
    told = wire.response_of(searcher(shoes).search(asked), explain=False).results[0]
    assert told.product_id == "boot-43"
    assert (told.variant_count, sorted(told.variant_product_ids)) == (2, ["boot", "boot-42"])
