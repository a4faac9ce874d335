"""Pages while the catalogue changes: nothing twice, nothing that was there all the time left out."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.kit.log import Entry
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_view import SearchDatabase, SearchView
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.domain import paging
from services.search.domain.paging import MOST_MARKED, Shown
from services.search.domain.ports import Place
from services.search.domain.request import Order, Request
from services.search.domain.search import Searcher
from tests.search.shop import delete, product, records, shop_database, upsert

COUNT = 60
ORDERS = pytest.mark.parametrize("order", list(Order))


def tea(number: int, title: str = "Tea", price: float | None = None) -> Entry:
    return upsert(product(f"t{number:02}", title, price=price or 1.0 + number // 5))


class Shop:
    """A searcher, and a view that follows changes."""

    def __init__(self, database: SearchDatabase) -> None:
        self.searcher = Searcher(TantivyCatalogue(database), lambda: None, SqliteLexicon(database))
        self._view = SearchView(database)
        self._done = COUNT

    def change(self, *entries: Entry) -> None:
        self._view.apply([replace(r, sequence=self._done + r.sequence) for r in records(entries)])
        self._done += len(entries)

    def pages(self, request: Request, between: Callable[[int], None]) -> list[str]:
        """All pages one after the other, with something done after each."""
        shown, token = list[str](), ""
        for number in range(COUNT):
            page = self.searcher.search(replace(request, page_token=token))
            shown += [result.product_id for result in page.results]
            between(number)
            token = page.next_page_token
            if not token:
                return shown
        raise AssertionError("there is no end of pages")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with shop_database(tmp_path, [tea(number) for number in range(COUNT)]) as database:
        yield Shop(database)


STAYED = {f"t{number:02}" for number in range(COUNT)}


@ORDERS
@pytest.mark.parametrize("query", ["", "tea"])
def test_deleted_products_make_no_other_be_skipped(shop: Shop, query: str, order: Order) -> None:
    gone = set[str]()

    def delete_one(number: int) -> None:
        gone.add(f"t{3 * number:02}")
        shop.change(delete(f"t{3 * number:02}"))

    shown = shop.pages(Request(query, page_size=7, order=order), delete_one)
    assert len(shown) == len(set(shown))
    assert set(shown) >= STAYED - gone


@ORDERS
@pytest.mark.parametrize("query", ["", "tea"])
def test_new_products_make_none_be_shown_twice(shop: Shop, query: str, order: Order) -> None:
    def add_some(number: int) -> None:
        at_both_ends = [
            product(f"{end}{number}", "Tea Tea Tea", price=price) for end, price in (("a", 0.5), ("z", 99))
        ]
        shop.change(*map(upsert, at_both_ends))

    shown = shop.pages(Request(query, page_size=9, order=order), add_some)
    assert len(shown) == len(set(shown))
    assert set(shown) >= STAYED


def test_a_product_that_moves_is_shown_once_and_moves_no_other(shop: Shop) -> None:
    def move(number: int) -> None:
        shop.change(
            tea(number, "Tea Tea"), tea(COUNT - 1 - number, "Tea with a long name that says much else")
        )

    shown = shop.pages(Request("tea", page_size=8), move)
    assert sorted(shown) == sorted(STAYED)


def test_tokens_are_the_same_on_every_replica(shop: Shop, tmp_path: Path) -> None:
    request = Request("tea", page_size=5)
    with shop_database(tmp_path / "other", [tea(number) for number in range(COUNT)]) as database:
        other = Shop(database)
        first = shop.searcher.search(request)
        assert other.searcher.search(request).next_page_token == first.next_page_token
        again = replace(request, page_token=first.next_page_token)
        assert other.searcher.search(again).results == shop.searcher.search(again).results


@pytest.mark.parametrize(
    "position", [Shown().plus(["a", "b"]), Place("USD", 5, 'it\'s "ü"'), Place("", None, "x")]
)
def test_a_token_tells_a_position(position: paging.Position) -> None:
    request = Request("tea")
    token = paging.token(request, position)
    assert paging.position(replace(request, page_token=token)) == position
    assert len(token) < 100


def test_many_shown_are_told_by_their_number() -> None:
    shown = Shown().plus(map(str, range(MOST_MARKED)))
    assert "7" in shown
    assert (shown.count, shown.skipped) == (MOST_MARKED, 0)
    more = shown.plus(["more"])
    assert (more.count, more.skipped) == (MOST_MARKED + 1, MOST_MARKED + 1)
    assert "7" not in more
    assert len(paging.token(Request(), shown)) < 7_000
