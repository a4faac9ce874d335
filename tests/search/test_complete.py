"""Completions by eye, and whose queries are never offered."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.search.adapters.sqlite_shelf import SqliteCatalogue
from services.search.domain.complete import Completer
from services.search.domain.errors import TooLarge
from services.search.domain.history import kept
from tests.search.shop import SHOP, Entry, searched, shop_database, upsert


def complete(home: Path, events: list[Entry], typed: str, size: int = 0) -> list[tuple[str, str]]:
    with shop_database(home, [*map(upsert, SHOP), *events]) as database:
        return [tuple(found) for found in Completer(SqliteCatalogue(database)).complete(typed, size)]


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
    assert complete(tmp_path, events, "mild") == []


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


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=100))
def test_nothing_typed_breaks_a_completion(database: object, typed: str) -> None:
    for suggestion in Completer(SqliteCatalogue(database)).complete(typed, 50):  # type: ignore[arg-type]
        assert suggestion.text
