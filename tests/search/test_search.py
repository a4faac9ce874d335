"""Right answers that a reader sees by eye, and what must hold of every answer."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.search.domain.answer import Page
from services.search.domain.errors import InvalidPageToken
from services.search.domain.request import FACETS, Filter, Order, Request
from services.search.domain.search import Searcher
from tests.search.shop import SHOP


def ids(page: Page) -> list[str]:
    return [result.product_id for result in page.results]


def test_all_words_come_before_some(lexical: Searcher) -> None:
    page = lexical.search(Request("oat milk"))
    assert ids(page) == ["milk-2", "milk-3", "milk-1", "choc-1"]
    assert page.total == 4
    assert page.served_by == "lexical"
    assert [result.lexical_rank for result in page.results] == [1, 2, 3, 4]
    assert page.results[0].reason == "Matches “oat milk”"
    assert page.results[3].reason == "Matches part of “oat milk”"


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("MILK oat", "milk-2"),
        ("teas green", "tea-1"),
        ("cafe creme", "cafe"),
        ("choc dar", "choc-2"),
        ("味噌", "cjk"),
        ("playco cow", "toy-2"),
        ("toy-1", "toy-1"),
        ("beech", "toy-1"),
    ],
)
def test_finds(lexical: Searcher, query: str, first: str) -> None:
    assert ids(lexical.search(Request(query)))[0] == first


def test_an_unfinished_last_word_is_found(lexical: Searcher) -> None:
    assert ids(lexical.search(Request("green te")))[0] == "tea-1"
    assert ids(lexical.search(Request("choco"))) == ["choc-1", "choc-2"]


def test_meaning_finds_what_words_do_not(hybrid: Searcher, lexical: Searcher) -> None:
    assert ids(lexical.search(Request("locomotive"))) == []
    page = hybrid.search(Request("locomotive"))
    assert ids(page) == ["toy-1"]
    assert page.served_by == "hybrid"
    assert (page.results[0].lexical_rank, page.results[0].dense_rank) == (0, 1)
    assert page.results[0].reason == "Similar to “locomotive”"


def test_both_lists_are_one(hybrid: Searcher) -> None:
    page = hybrid.search(Request("milk"))
    assert set(ids(page)) == {"milk-1", "milk-2", "milk-3", "choc-1", "toy-2"}
    assert len(ids(page)) == page.total == 5
    assert ids(page)[-1] == "toy-2", "a cow means milk, but says it not"


def test_ties_stand_in_the_order_of_ids(hybrid: Searcher) -> None:
    assert ids(hybrid.search(Request("chocolate"))) == ["choc-1", "choc-2"]
    scores = [result.score for result in hybrid.search(Request("chocolate")).results]
    assert scores[0] == pytest.approx(scores[1])


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (Filter(categories=("Grocery > Tea",)), ["tea-1", "tea-2"]),
        (Filter(categories=("Grocery > Te",)), []),
        (Filter(categories=("Toys", "Grocery > Tea")), ["tea-1", "tea-2", "toy-1", "toy-2"]),
        (Filter(brands=("acme",)), ["choc-1", "choc-2", "milk-1"]),
        (Filter(currency="USD", minimum=2_000_000, maximum=2_500_000), ["tea-1", "tea-2"]),
        (Filter(currency="EUR", minimum=0), []),
        (Filter(categories=("Grocery > Tea",), in_stock_only=True), ["tea-1", "tea-2"]),
        (Filter(categories=("Grocery > Dairy",), brands=("oaty",), in_stock_only=True), ["milk-2"]),
    ],
)
def test_an_empty_query_lists_what_the_filter_lets_through(
    lexical: Searcher, filter_: Filter, expected: list[str]
) -> None:
    page = lexical.search(Request(" \x00 ", filter=filter_))
    assert ids(page) == expected
    assert page.total == len(expected)
    assert all(result.reason for result in page.results)


def test_price_orders_with_the_priceless_last(hybrid: Searcher) -> None:
    cheap = ids(hybrid.search(Request(order=Order.PRICE_ASCENDING)))
    assert (cheap[0], cheap[-2:]) == ("choc-1", ["toy-1", "gift"])
    dear = ids(hybrid.search(Request(order=Order.PRICE_DESCENDING)))
    assert (dear[0], dear[-2:]) == ("toy-1", ["choc-1", "gift"])
    found = hybrid.search(Request("milk", order=Order.PRICE_ASCENDING))
    assert ids(found) == ["choc-1", "milk-1", "milk-2", "milk-3", "toy-2"]


def test_facets_count_what_total_size_counts(hybrid: Searcher) -> None:
    facets = hybrid.search(Request("milk", facets=FACETS)).facets
    assert facets["category"] == [
        ("Grocery", 4),
        ("Grocery > Dairy", 3),
        ("Grocery > Dairy > Milk", 3),
        ("Grocery > Sweets", 1),
        ("Toys", 1),
    ]
    assert facets["brand"] == [("ACME", 2), ("Oaty", 2), ("Playco", 1)]
    assert facets["price"] == [("USD 2-5", 2), ("USD 1-2", 1), ("USD 10-20", 1), ("USD 5-10", 1)]
    assert facets["availability"] == [("IN_STOCK", 4), ("OUT_OF_STOCK", 1)]


@pytest.mark.parametrize("query", ["", "milk", "oat milk", "tea"])
def test_filtering_by_a_facets_value_finds_its_count(hybrid: Searcher, query: str) -> None:
    facets = hybrid.search(Request(query, facets=FACETS)).facets
    for path, count in facets["category"]:
        assert hybrid.search(Request(query, filter=Filter(categories=(path,)))).total == count
    for brand, count in facets["brand"]:
        assert hybrid.search(Request(query, filter=Filter(brands=(brand.casefold(),)))).total == count


@pytest.mark.parametrize("query", ["", "milk", "chocolate"])
@pytest.mark.parametrize("order", list(Order))
def test_pages_put_together_are_the_whole(hybrid: Searcher, query: str, order: Order) -> None:
    whole = ids(hybrid.search(Request(query, order=order)))
    pages, token = list[str](), ""
    while True:
        page = hybrid.search(Request(query, order=order, page_size=2, page_token=token))
        pages += ids(page)
        token = page.next_page_token
        if not token:
            break
    assert pages == whole


def test_a_token_of_another_request_is_refused(lexical: Searcher) -> None:
    token = lexical.search(Request("milk", page_size=1)).next_page_token
    for other in (
        Request("tea", page_size=1, page_token=token),
        Request("milk", page_size=2, page_token=token),
        Request("milk", page_size=1, page_token=token, order=Order.PRICE_ASCENDING),
        Request("milk", page_size=1, page_token=token[:-2]),
        Request("milk", page_size=1, page_token="ü" + token),
        Request("milk", page_size=1, page_token="A" * len(token)),
    ):
        with pytest.raises(InvalidPageToken):
            lexical.search(other)


SYNTAX = st.sampled_from(
    ['"', "'", "*", "AND", "OR", "NOT", "NEAR(", ")", "^", ":", "-", "title:", "{", "+", "\\"]
)
TYPED = st.one_of(st.text(max_size=200), st.lists(SYNTAX | st.text(max_size=5), max_size=20).map(" ".join))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TYPED)
def test_nothing_typed_breaks_a_search(lexical: Searcher, hybrid: Searcher, typed: str) -> None:
    if len(typed.encode(errors="replace")) <= 1_000:
        for searcher in (lexical, hybrid):
            page = searcher.search(Request(typed, facets=FACETS))
            assert len(set(ids(page))) == len(page.results) == min(page.total, len(SHOP))
