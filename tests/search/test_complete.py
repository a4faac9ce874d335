"""Completions by eye, and whose queries are never offered."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.kit.log import Entry
from services.kit.views import Database
from services.search.adapters.sqlite_completions import SqliteCompletions
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.domain.complete import Completed, Completer
from services.search.domain.errors import TooLarge
from services.search.domain.history import kept
from services.search.domain.ports import Suggestion
from tests.search.shop import SHOP, product, searched, shop_database, upsert


def completer(database: Database) -> Completer:
    return Completer(SqliteCompletions(database), SqliteLexicon(database))


def completed(home: Path, events: list[Entry], typed: str, *asked: Any) -> Completed:
    with shop_database(home, [*map(upsert, SHOP), *events]) as database:
        return completer(database).complete(typed, *(asked or (0,)))


def complete(home: Path, events: list[Entry], typed: str, *asked: Any) -> list[tuple[str, str]]:
    return [(text, source) for text, source in completed(home, events, typed, *asked).suggestions]


def test_past_queries_come_first_most_used_first(tmp_path: Path) -> None:
    events = [
        *(searched(f"a{n}", "milk for coffee", visitor=f"v{n}") for n in range(2)),
        *(searched(f"b{n}", "  MILK  frother", visitor=f"v{n}") for n in range(3)),
    ]
    assert complete(tmp_path, events, "Mil") == [
        ("milk frother", "query"),
        ("milk for coffee", "query"),
        ("Milk", "category"),
        ("Milk Chocolate", "product"),
    ]


def test_categories_and_brands_come_before_titles(tmp_path: Path) -> None:
    assert complete(tmp_path, [], "to") == [("Toys", "category"), ("Toy Cow", "product")]
    assert complete(tmp_path, [], "oat") == [
        ("Oaty", "brand"),
        ("Oat Milk", "product"),
        ("Oat Milk Barista", "product"),
    ]
    assert complete(tmp_path, [], "oat", 1) == [("Oaty", "brand")]


def test_spellings_of_one_text_are_offered_once(tmp_path: Path) -> None:
    assert [text.casefold() for text, _ in complete(tmp_path, [], "acm")] == ["acme"]


@pytest.mark.parametrize(
    "events",
    [
        [searched("1", "mildew at home", visitor="v1")],
        [searched(str(n), "mildew at home", visitor="v1") for n in range(9)],
        [searched("1", "mildew at home", "v1"), searched("2", "mildew at home", "v1", "u1")],
        [searched("1", "mildew at home", "v1", "u1"), searched("2", "mildew at home", "v2", "u1")],
    ],
    ids=["once", "often", "before and after signing in", "on two devices"],
)
def test_one_persons_query_is_not_offered_to_others(tmp_path: Path, events: list[Entry]) -> None:
    assert complete(tmp_path, events, "mildew") == []


def test_two_peoples_query_is_offered(tmp_path: Path) -> None:
    events = [searched("1", "mildew spray", "v1", "u1"), searched("2", "mildew spray", "v2")]
    assert complete(tmp_path, events, "mild") == [("mildew spray", "query")]


@pytest.mark.parametrize("query", ["ann@example.org", "4111 1111 1111 1111", "call 555-123-4567", "x" * 61])
def test_what_looks_personal_is_not_even_kept(query: str) -> None:
    assert kept(query) == ""


def test_nothing_typed_offers_nothing_and_too_much_is_refused(tmp_path: Path) -> None:
    assert complete(tmp_path, [], " \n") == []
    with pytest.raises(TooLarge):
        complete(tmp_path, [], "é" * 501)


def test_own_past_queries_come_first_the_last_first(tmp_path: Path) -> None:
    events = [
        *(searched(f"p{n}", "milk frother", visitor=f"v{n}") for n in range(3)),
        searched("o1", "milk for coffee", "me"),
        searched("o2", "milk bottle", "me"),
        searched("o3", "milk for coffee", "me"),
    ]
    assert complete(tmp_path, events, "milk", 3, "me") == [
        ("milk for coffee", "own"),
        ("milk bottle", "own"),
        ("milk frother", "query"),
    ]
    assert ("milk bottle", "own") not in complete(tmp_path, events, "milk", 3, "another")


def test_a_device_shows_to_nobody_what_a_signed_in_user_typed_on_it(tmp_path: Path) -> None:
    events = [searched("1", "mildew spray", "tablet", "ann"), searched("2", "mild soap", "tablet")]
    assert complete(tmp_path, events, "mild", 0, "tablet", "ann") == [("mildew spray", "own")]
    assert complete(tmp_path, events, "mild", 0, "phone", "ann") == [("mildew spray", "own")]
    assert complete(tmp_path, events, "mild", 0, "tablet") == [("mild soap", "own")]
    assert complete(tmp_path, events, "mildew", 0, "tablet", "bob") == []


def test_nothing_typed_offers_past_queries(tmp_path: Path) -> None:
    events = [
        *(searched(f"a{n}", "oat", visitor=f"v{n}") for n in range(2)),
        *(searched(f"b{n}", "tea", visitor=f"v{n}") for n in range(3)),
    ]
    assert complete(tmp_path, events, "") == [("tea", "query"), ("oat", "query")]
    assert complete(tmp_path, events, "", 0, "v0") == [("tea", "own"), ("oat", "own")]
    with shop_database(tmp_path / "finding", [*map(upsert, SHOP), *events]) as database:
        finding = Completer(
            SqliteCompletions(database), SqliteLexicon(database), lambda query: query != "tea"
        )
        assert finding.complete("", 1).suggestions == [Suggestion("oat", "query")]


@pytest.mark.parametrize(
    ("typed", "corrected", "first"),
    [
        ("mlik", "milk", "Milk"),
        ("chocalate", "chocolate", ""),
        ("darkk ch", "dark ch", "Dark Chocolate"),
        ("grene te", "green te", "Green Tea"),
        ("woden tr", "wooden tr", "Wooden Train"),
        ("dak choc", "dark choc", "Dark Chocolate"),
        ("gorc", "groc", "Grocery"),
        ("qqqq", "", ""),
        ("mi1k", "", ""),
    ],
)
def test_a_slip_is_mended_where_nothing_begins_so(
    tmp_path: Path, typed: str, corrected: str, first: str
) -> None:
    found = completed(tmp_path, [], typed)
    assert found.corrected == (corrected if first else "")
    assert [text for text, _ in found.suggestions][:1] == [first][: bool(first)]


@pytest.mark.parametrize(
    ("typed", "corrected"),
    [
        ("wholem ilk", "whole milk"),
        ("whol emilk", "whole milk"),
        ("wholem ", "whole m"),
        ("oat imlk", "oat milk"),
        ("black a", ""),
        ("type 1,0", "type 10,"),
        ("type 91", "type 19"),
    ],
)
def test_two_neighbours_may_be_swapped_anywhere(tmp_path: Path, typed: str, corrected: str) -> None:
    items = [*SHOP, product("t", "Type 10, 19 cm"), product("u", "Type 19")]
    with shop_database(tmp_path, [*map(upsert, items)]) as database:
        found = completer(database).complete(typed, 8)
    assert found.corrected == corrected
    assert bool(found.suggestions) == bool(corrected)


def test_what_begins_so_is_never_mended(tmp_path: Path) -> None:
    events = [searched(f"{n}", "mlik", visitor=f"v{n}") for n in range(2)]
    assert completed(tmp_path, events, "mlik") == Completed([Suggestion("mlik", "query")])


def test_titles_are_found_after_their_brand_and_names_by_each_word(tmp_path: Path) -> None:
    items = [
        product("1", "Acme Rocket Skates", "Toys & Games", "Acme"),
        product("2", "Rocket Salad", "Fresh Greens", "Farm"),
    ]
    with shop_database(tmp_path, [*map(upsert, items)]) as database:
        complete = completer(database).complete
        assert complete("rocket", 0).suggestions == [
            Suggestion("Rocket Salad", "product"),
            Suggestion("Acme Rocket Skates", "product"),
        ]
        assert complete("gam", 0).suggestions == [Suggestion("Toys & Games", "category")]


def test_a_letter_that_many_titles_begin_with_offers_the_names_of_most_products(tmp_path: Path) -> None:
    items = [
        *(product(f"a{n}", f"Screw {n:04}", "Small parts", "Sturdy") for n in range(20)),
        product("b", "Saw", "Saws", "Steel"),
    ]
    with shop_database(tmp_path, [*map(upsert, items)]) as database:
        found = completer(database).complete("s", 5).suggestions
    assert [text for text, _ in found] == ["Small parts", "Sturdy", "Saws", "Steel", "Saw"]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=100))
def test_nothing_typed_breaks_a_completion(database: Database, typed: str) -> None:
    for suggestion in completer(database).complete(typed, 50).suggestions:
        assert suggestion.text
