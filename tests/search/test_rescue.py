"""Facets of which several values may be chosen, and what is offered where nothing matches, by eye."""

import pytest

from services.search.domain.errors import InvalidValue, TooLarge
from services.search.domain.request import FACETS, Filter, Request
from services.search.domain.search import Searcher
from tests.search.test_search import ids

OATY = Filter(brands=("oaty",))


def test_a_facets_own_filter_does_not_narrow_its_counts(hybrid: Searcher) -> None:
    every = hybrid.search(Request("milk", facets=FACETS)).facets
    chosen = hybrid.search(Request("milk", facets=FACETS, filter=OATY)).facets
    assert chosen["brand"] == every["brand"] == [("ACME", 2), ("Oaty", 2), ("Playco", 1)]
    assert chosen["category"] == [("Grocery", 2), ("Grocery > Dairy", 2), ("Grocery > Dairy > Milk", 2)]
    assert chosen["availability"] == [("IN_STOCK", 1), ("OUT_OF_STOCK", 1)]


@pytest.mark.parametrize("query", ["", "milk"])
@pytest.mark.parametrize(
    ("name", "filter_"),
    [
        ("category", Filter(categories=("Grocery > Dairy",))),
        ("brand", OATY),
        ("price", Filter(currency="USD", minimum=5_000_000)),
        ("availability", Filter(in_stock_only=True)),
    ],
)
def test_each_facet_counts_as_if_nothing_of_it_were_chosen(
    hybrid: Searcher, query: str, name: str, filter_: Filter
) -> None:
    chosen = hybrid.search(Request(query, facets=FACETS, filter=filter_)).facets
    assert chosen[name] == hybrid.search(Request(query, facets=FACETS)).facets[name]


def test_a_price_in_the_querys_own_words_narrows_every_facet(lexical: Searcher) -> None:
    facets = lexical.search(Request("milk under 2", facets=FACETS)).facets
    assert facets["price"] == [("USD 1-2", 1)]


@pytest.mark.parametrize(
    ("name", "prefix", "values"),
    [
        ("brand", "AC", ["ACME"]),
        ("brand", "me", []),
        ("category", "dai", ["Grocery > Dairy", "Grocery > Dairy > Milk"]),
        ("category", "", ["Grocery", "Grocery > Dairy", "Grocery > Dairy > Milk", "Grocery > Sweets"]),
    ],
)
def test_a_facets_values_are_found_by_how_their_words_begin(
    lexical: Searcher, name: str, prefix: str, values: list[str]
) -> None:
    page = lexical.search(Request("milk", facets=(name,), facet_prefixes=((name, prefix),)))
    assert [value for value, _ in page.facets[name]] == values


def test_only_facets_that_are_asked_for_can_be_searched() -> None:
    with pytest.raises(InvalidValue) as caught:
        Request("milk", facets=("brand",), facet_prefixes=(("category", "a"),))
    assert caught.value.field == "facet_prefixes"
    with pytest.raises(TooLarge):
        Request("milk", facets=("brand",), facet_prefixes=(("brand", "x" * 1_001),))


@pytest.mark.parametrize(
    ("query", "filter_", "told", "found"),
    [
        ("oat milk", Filter(brands=("playco",), categories=("Grocery",)), ("brands",), 4),
        ("oat milk", Filter(categories=("Toys",)), ("categories",), 4),
        ("chocolate under 1", Filter(), ("price",), 2),
        ("chocolate without milk", Filter(brands=("playco",)), ("brands",), 1),
        ("train without wood", Filter(brands=("leaf",)), ("excluded_words", "brands"), 1),
        ("", Filter(brands=("oaty",), categories=("Toys",)), ("brands",), 2),
        ("oat barista", Filter(currency="USD", minimum=1, maximum=2), ("price",), 2),
    ],
)
def test_where_nothing_matches_a_condition_is_lifted_and_told(
    lexical: Searcher, query: str, filter_: Filter, told: tuple[str, ...], found: int
) -> None:
    page = lexical.search(Request(query, filter=filter_))
    assert (page.results, page.total, page.next_page_token) == ([], 0, "")
    assert page.rescue is not None
    assert (page.rescue.lifted, page.rescue.total, len(page.rescue.results)) == (told, found, found)


def test_a_rescue_finds_what_the_wider_search_finds(hybrid: Searcher) -> None:
    rescue = hybrid.search(Request("milk", filter=Filter(categories=("Grocery > Tea",)))).rescue
    assert rescue is not None
    assert [found.product_id for found in rescue.results] == ids(hybrid.search(Request("milk")))


def test_there_is_no_rescue_where_something_matches_or_nothing_can(lexical: Searcher) -> None:
    assert lexical.search(Request("milk", filter=OATY)).rescue is None
    assert lexical.search(Request("zebra", filter=OATY)).rescue is None
    assert lexical.search(Request("zebra")).rescue is None
