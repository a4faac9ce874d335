"""The index of words beside the view: whole at every look, mended after a crash, quick for broad words."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_view import SearchDatabase, SearchView, open_database
from services.search.adapters.tantivy_index import price_keys
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.domain.ports import Wanted
from services.search.domain.request import Filter, Order, Request
from services.search.domain.search import HEAD, Searcher
from tests.search.shop import SHOP, product, records, shop_database, upsert


def found(database: SearchDatabase, wanted: Wanted) -> list[str]:
    with TantivyCatalogue(database).look() as shelf:
        return sorted(candidate.product_id for candidate in shelf.ranked(wanted, 1_000))


EVERYTHING = sorted(item.id for item in SHOP)


def test_a_look_never_lacks_a_product_that_is_being_changed(tmp_path: Path) -> None:
    versions = records([upsert(item) for _ in range(15) for item in SHOP])
    with shop_database(tmp_path) as database, ThreadPoolExecutor(1) as pool:
        done, view = Event(), SearchView(database)

        def change() -> None:
            try:
                for start in range(len(SHOP), len(versions), 5):
                    view.apply(versions[start : start + 5])
            finally:
                done.set()

        writing = pool.submit(change)
        looks = 0
        while not done.is_set() or not looks:
            assert found(database, Wanted()) == EVERYTHING
            looks += 1
        writing.result()


def test_an_index_that_was_lost_or_is_behind_is_made_again(tmp_path: Path) -> None:
    with shop_database(tmp_path) as database:
        shutil.copytree(tmp_path / "search" / "words", tmp_path / "older")
        more = records([*map(upsert, SHOP), upsert(product("new", "Kefir"))])[-1]
        SearchView(database).apply([more])
    for state in ("lost", "behind", "broken"):
        shutil.rmtree(tmp_path / "search" / "words")
        if state != "lost":
            shutil.copytree(tmp_path / "older", tmp_path / "search" / "words")
        if state == "broken":
            (tmp_path / "search" / "words" / "meta.json").write_text("{")
        database = open_database(tmp_path)
        assert found(database, Wanted()) == sorted([*EVERYTHING, "new"]), state
        assert found(database, Wanted((("kefir",),))) == ["new"]
        database.close()


@pytest.fixture(scope="module")
def broad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    """More products with one word than are fused, all of one price but the first."""
    items = [
        product(f"p{n:04}", "National soup", "Soups", "National", 1.0 if n else 2.0) for n in range(2 * HEAD)
    ]
    with shop_database(tmp_path_factory.mktemp("broad"), [*map(upsert, items)]) as database:
        yield Searcher(TantivyCatalogue(database), lambda: None, SqliteLexicon(database))


@pytest.mark.parametrize("order", list(Order))
def test_a_broad_word_is_counted_and_paged_to_its_end(broad: Searcher, order: Order) -> None:
    seen, token = list[str](), ""
    while True:
        page = broad.search(Request("national", page_size=150, page_token=token, order=order))
        assert page.total == 2 * HEAD
        seen += [result.product_id for result in page.results]
        token = page.next_page_token
        if not token:
            break
    assert len(seen) == len(set(seen)) == 2 * HEAD
    if order is Order.PRICE_ASCENDING:
        assert seen == [f"p{n:04}" for n in (*range(1, 2 * HEAD), 0)], "ties stand by id"
    if order is Order.PRICE_DESCENDING:
        assert seen == [f"p{n:04}" for n in range(2 * HEAD)]


def test_facets_of_a_broad_word_count_all_of_it(broad: Searcher) -> None:
    page = broad.search(Request("national", Filter(brands=("national",)), facets=("category", "brand")))
    assert page.facets == {"category": [("Soups", 2 * HEAD)], "brand": [("National", 2 * HEAD)]}


def test_prices_are_ordered_by_currency_then_amount() -> None:
    prices = [("EUR", 0), ("EUR", 5), ("GBP", 1), ("USD", 0), ("USD", 10**12)]
    upwards, downwards = zip(*(price_keys(*price) for price in prices), strict=True)
    assert list(upwards) == sorted(upwards)
    assert [prices[n] for n in sorted(range(5), key=lambda n: downwards[n])] == [
        ("EUR", 5), ("EUR", 0), ("GBP", 1), ("USD", 10**12), ("USD", 0)
    ]  # fmt: skip
