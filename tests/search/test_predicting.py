"""Which attributes and categories a query is about, and which are offered where nothing matches."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.search import wire
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_view import SearchDatabase
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.domain.product import lowest
from services.search.domain.related import Predicted, shares, surest
from services.search.domain.request import Filter, Request
from services.search.domain.search import Searcher
from tests.search.shop import MILK, product, shop_database, upsert
from tests.search.test_attributes import shoe
from tests.search.test_search import ids

SHOES = (
    shoe("red-42", "Red Run Shoes", "42", colour="Red"),
    shoe("red-43", "Red Run Shoes", "43", colour="Red"),
    shoe("team-42", "Red Team Shoes", "41", colour="Dark Blue", model="42"),
)


@pytest.fixture
def shoes(tmp_path: Path) -> Iterator[Searcher]:
    with shop_database(tmp_path, list(map(upsert, SHOES))) as database:
        yield Searcher(TantivyCatalogue(database), lambda: None, SqliteLexicon(database))


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("red shoes size 42", [("size", "42", 1.0), ("colour", "Red", 0.67)]),
        ("Dark Blue shoes", [("colour", "Dark Blue", 1.0)]),
        ("shoes 42", []),
        ("green shoes", []),
    ],
)
def test_a_query_asks_for_values(shoes: Searcher, typed: str, asked: list[tuple[str, str, float]]) -> None:
    query = shoes.search(Request(typed)).query
    assert [(one.name, one.text, round(one.confidence, 2)) for one in query.attributes] == asked
    assert shoes.search(Request(typed, exact=True)).query.attributes == ()


def test_the_name_of_an_attribute_asks_for_its_value_and_for_no_word(shoes: Searcher) -> None:
    page = shoes.search(Request("red shoes size 42"))
    assert ids(page)[:2] == ["red-42", "team-42"]
    assert page.query.words == (("red",), ("shoes",), ("42",))
    assert page.results[0].parts.attributes > page.results[1].parts.attributes == 0
    told = wire.response_of(page, explain=False).understanding
    assert [(one.name, one.value) for one in told.attributes] == [("size", "42"), ("colour", "Red")]


def test_what_is_found_first_tells_the_category(hybrid: Searcher) -> None:
    page = hybrid.search(Request("oat milk"))
    assert page.categories[0].path == MILK
    told = wire.response_of(page, explain=False).understanding.predicted_categories
    assert (told[0].category, told[0].confidence) == tuple(page.categories[0])
    assert hybrid.search(Request("oat milk", exact=True)).categories == []


def test_the_first_products_vote_most() -> None:
    of = {"a": ["Tea"], "b": ["Milk"], "c": ["Milk", "Drinks"]}
    told = surest(shares(["a", "b", "c"], of))
    assert [(path, round(share, 2)) for path, share in told] == [
        ("Milk", 0.53),
        ("Tea", 0.47),
        ("Drinks", 0.23),
    ]
    assert surest(shares([], of)) == []
    assert surest(shares(["unknown"], of)) == []


def test_only_the_lowest_categories_vote() -> None:
    assert lowest(["Grocery", "Grocery > Tea", "Groceries"]) == ["Groceries", "Grocery > Tea"]


def test_where_nothing_matches_categories_are_offered(hybrid: Searcher, lexical: Searcher) -> None:
    tea = Filter(categories=("Toys",), brands=("leaf",))
    rescue = hybrid.search(Request("beverage", filter=tea)).rescue
    assert rescue is not None
    assert rescue.categories[0] == Predicted("Grocery > Tea", 1.0)
    assert lexical.search(Request("zebra")).rescue is None


def test_what_finds_nothing_at_all_is_offered_the_nearest(hybrid: Searcher, database: SearchDatabase) -> None:
    page = hybrid.search(Request("locomotive engine of some other kind altogether"))
    assert (page.total, page.results) == (0, [])
    assert page.rescue is not None
    assert (page.rescue.lifted, page.rescue.results, page.rescue.total) == ((), [], 0)
    assert "Toys" in [category.path for category in page.rescue.categories]


def test_a_categorys_own_name_means_it(tmp_path: Path) -> None:
    others = [product(f"cover-{n}", "Bedding cover", "Home > Covers") for n in range(30)]
    own = [product(f"own-{n}", "Duvet", "Home > Bedding") for n in range(3)]
    below = [product(f"below-{n}", "Bedding pillow", "Home > Bedding > Pillows") for n in range(2)]
    with shop_database(tmp_path, list(map(upsert, [*others, *own, *below]))) as database:
        searcher = Searcher(TantivyCatalogue(database), lambda: None, SqliteLexicon(database))
        told = dict(searcher.search(Request("bedding")).categories)
        assert sum(told.values()) == pytest.approx(1)
        assert told.keys() == {"Home > Bedding", "Home > Bedding > Pillows"}
        assert searcher.search(Request("bedding cover")).categories[0].path == "Home > Covers"
