"""Attributes of products: counted, filtered by, numbers in ranges too; the right answer is seen by eye."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aisle.catalog.v1 import product_pb2
from aisle.search.v1 import search_pb2

from services.search import wire
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_view import SearchDatabase
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.domain.attributes import AttributeFilter, bounds, range_of
from services.search.domain.errors import InvalidValue, TooManyItems
from services.search.domain.request import Request
from services.search.domain.search import Searcher
from tests.search.shop import delete, product, shop_database, upsert
from tests.search.test_search import ids


def shoe(id_: str, title: str, size: str = "", **attributes: str | list[str]) -> product_pb2.Product:
    made = product(id_, title, "Shoes", "Acme", 50.0)
    made.size = size
    for name, values in attributes.items():
        made.attributes[name].texts.extend([values] if isinstance(values, str) else values)
    return made


SHOES = (
    shoe("red-42", "Runner", "42", colour="Red", Weight="210"),
    shoe("red-43", "Runner Pro", "43", colour="red", Weight="250"),
    shoe("blue-42", "Sandal", "42", colour=["Blue", "White"], Weight="90.5"),
    shoe("none", "Runner Laces"),
    shoe("text", "Boot", colour="A text that is far too long for anybody to choose it from a list."),
)
HEAVY = tuple(shoe(f"heavy-{n}", "Weight", Weight=str(100 + n)) for n in range(25))


@pytest.fixture
def shoes(tmp_path: Path) -> Iterator[SearchDatabase]:
    with shop_database(tmp_path, list(map(upsert, SHOES))) as database:
        yield database


def searcher(database: SearchDatabase) -> Searcher:
    return Searcher(TantivyCatalogue(database), lambda: None, SqliteLexicon(database))


def test_any_attribute_is_a_facet(shoes: SearchDatabase) -> None:
    names = ("attributes.colour", "size", "attributes.weight", "attributes.nothing")
    told = searcher(shoes).search(Request("", facets=names)).facets
    assert told == {
        "attributes.colour": [("Red", 2), ("Blue", 1), ("White", 1)],
        "size": [("42", 2), ("43", 1)],
        "attributes.weight": [("210", 1), ("250", 1), ("90.5", 1)],
        "attributes.nothing": [],
    }
    assert searcher(shoes).search(Request("runner", facets=("size",))).facets["size"] == [
        ("42", 1),
        ("43", 1),
    ]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ((AttributeFilter("colour", ("red",)),), ["red-42", "red-43"]),
        ((AttributeFilter("colour", ("red", "white")),), ["blue-42", "red-42", "red-43"]),
        ((AttributeFilter("colour", ("red",)), AttributeFilter("size", ("42",))), ["red-42"]),
        ((AttributeFilter("weight", minimum=90.5, below=250),), ["blue-42", "red-42"]),
        ((AttributeFilter("weight", below=100),), ["blue-42"]),
        ((AttributeFilter("weight", minimum=1_000),), []),
        ((AttributeFilter("colour", ("green",)),), []),
    ],
)
def test_attributes_let_through(
    shoes: SearchDatabase, filters: tuple[AttributeFilter, ...], expected: list[str]
) -> None:
    page = searcher(shoes).search(Request("", attribute_filters=filters))
    assert (ids(page), page.total) == (expected, len(expected))


def test_a_facets_own_filter_does_not_narrow_its_counts(shoes: SearchDatabase) -> None:
    red = (AttributeFilter("colour", ("red",)),)
    names = ("attributes.colour", "size")
    told = searcher(shoes).search(Request("", facets=names, attribute_filters=red)).facets
    assert told["attributes.colour"] == [("Red", 2), ("Blue", 1), ("White", 1)]
    assert told["size"] == [("42", 1), ("43", 1)]


def test_many_numbers_are_counted_in_ranges(tmp_path: Path) -> None:
    with shop_database(tmp_path, list(map(upsert, (*SHOES, *HEAVY)))) as database:
        page = searcher(database).search(Request("", facets=("attributes.weight",)))
        assert page.facets["attributes.weight"] == [("100-200", 25), ("200-500", 2), ("50-100", 1)]
        told = wire.response_of(page, explain=False).facets[0].values[0]
        assert (told.minimum, told.below) == (100, 200)
        chosen = AttributeFilter("weight", minimum=told.minimum, below=told.below)
        assert searcher(database).search(Request("", attribute_filters=(chosen,))).total == told.count


@pytest.mark.parametrize(
    ("number", "value"),
    [(1, "1-2"), (2, "2-5"), (49.9, "20-50"), (50, "50-100"), (1_000, "1000-2000"), (0.3, "0.2-0.5")],
)
def test_a_number_lies_in_its_range(number: float, value: str) -> None:
    assert range_of(number) == value
    low, high = bounds(value)
    assert low is not None
    assert high is not None
    assert low <= number < high


def test_where_nothing_matches_attributes_are_lifted(shoes: SearchDatabase) -> None:
    rescue = (
        searcher(shoes)
        .search(Request("runner", attribute_filters=(AttributeFilter("colour", ("blue",)),)))
        .rescue
    )
    assert rescue is not None
    assert (rescue.lifted, rescue.total) == (("attributes",), 3)


def test_values_go_with_their_products(tmp_path: Path) -> None:
    changed = shoe("red-42", "Runner", "42", colour="Green")
    entries = [*map(upsert, SHOES), delete("blue-42"), upsert(changed)]
    with shop_database(tmp_path, entries) as database:
        told = searcher(database).search(Request("", facets=("attributes.colour",))).facets
        assert told["attributes.colour"] == [("Green", 1), ("red", 1)]
        assert SqliteLexicon(database).values(["blue"]) == []
        assert [said.products for said in SqliteLexicon(database).values(["red"])] == [1]


def test_filters_and_facets_are_checked() -> None:
    for wrong in (AttributeFilter(""), AttributeFilter("colour")):
        with pytest.raises(InvalidValue):
            Request(attribute_filters=(wrong,))
    with pytest.raises(TooManyItems):
        Request(attribute_filters=(AttributeFilter("size", ("42",)),) * 21)
    with pytest.raises(InvalidValue):
        Request(facets=("attributes.",))


def test_requests_take_names_and_values_in_any_case() -> None:
    asked = wire.request_of(
        search_pb2.SearchRequest(
            facet_keys=["attributes.Colour", "size"],
            attribute_filters=[search_pb2.AttributeFilter(name="Colour", values=["RED"], below=2)],
        )
    )
    assert asked.facets == ("attributes.colour", "size")
    assert asked.attribute_filters == (AttributeFilter("colour", ("red",), None, 2),)
