"""Queries like one, by eye: by visits, clicks and meaning; none that is somebody's own or finds nothing."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from aisle.events.v1 import event_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.log import EVENTS, Entry
from services.search.adapters import sqlite_trails
from services.search.adapters.memory import ConceptEncoder, MemoryVectors
from services.search.adapters.query_meanings import QueryMeanings
from services.search.adapters.sqlite_completions import SqliteCompletions
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_trails import COUNTED, MOST, VISIT_SECONDS, SqliteTrails
from services.search.adapters.sqlite_view import SearchDatabase
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.domain.dense import Meaning
from services.search.domain.errors import InvalidValue, TooLarge
from services.search.domain.search import Searcher
from services.search.domain.similar import Similar, SimilarQueries, Trail
from tests.search.shop import CONCEPTS, SHOP, shop_database, upsert

BEGUN = 1_767_000_000


def did(second: float, shopper: str, query: str = "", product: str = "") -> Entry:
    """A shopper searches, or clicks a product."""
    event = event_pb2.Event(
        message_id=f"{second} {shopper} {query}{product}",
        type=event_pb2.EVENT_TYPE_PRODUCT_CLICKED if product else event_pb2.EVENT_TYPE_PRODUCTS_SEARCHED,
        event_time=Timestamp(seconds=BEGUN + int(second)),
        visitor_id=shopper,
        search_query=query,
        product_details=[event_pb2.ProductDetail(product_id=product)] if product else [],
    )
    return Entry(EVENTS, event.message_id, event.SerializeToString())


def visits(shoppers: str, *steps: str) -> list[Entry]:
    """Each shopper does these steps: queries, and products behind a colon."""
    return [
        did(10 * at, who, product=step[1:]) if step.startswith(":") else did(10 * at, who, step)
        for who in shoppers
        for at, step in enumerate(steps)
    ]


def like(home: Path, events: Sequence[Entry], query: str, size: int = 0) -> list[tuple[str, str]]:
    with shop_database(home, [*map(upsert, SHOP), *events]) as database:
        return [(text, source) for text, source in similar(database).like(query, size)]


def similar(database: SearchDatabase) -> SimilarQueries:
    searcher = Searcher(TantivyCatalogue(database), lambda: None, SqliteLexicon(database))
    return SimilarQueries(SqliteTrails(database), lambda query, limit: [], searcher.finds)


def test_what_shoppers_typed_in_one_visit_is_offered_both_ways(tmp_path: Path) -> None:
    events = [*visits("abc", "Chocolate", "dark chocolate"), *visits("de", "chocolate", "milk chocolate")]
    assert like(tmp_path / "1", events, "CHOCOLATE") == [
        ("dark chocolate", "typed"),
        ("milk chocolate", "typed"),
    ]
    assert like(tmp_path / "2", events, "dark chocolate") == [("chocolate", "typed")]


def test_what_led_to_the_same_products_is_offered(tmp_path: Path) -> None:
    events = [
        *visits("ab", "green tea", ":tea-1"),
        *visits("cd", "tea", ":tea-1"),
        *visits("ef", "cow", ":toy-2"),
    ]
    assert like(tmp_path, events, "green tea") == [("tea", "clicked")]


def test_what_one_shopper_typed_or_clicked_is_not_offered(tmp_path: Path) -> None:
    events = [
        *visits("a", "tea", "black tea", "tea", "black tea", ":tea-2"),
        *visits("bc", "black tea", ":tea-2"),
        *visits("dd", "tea", "green tea", ":tea-1"),
        *visits("de", "milk", ":tea-1"),
    ]
    assert like(tmp_path / "1", events, "tea") == []
    assert like(tmp_path / "2", events, "green tea") == [("milk", "clicked")]


def test_what_finds_nothing_or_says_the_same_is_not_offered(tmp_path: Path) -> None:
    events = [
        *visits("ab", "tea", "kefir", "teas"),
        *visits("cd", "tea", "oat milk"),
        *visits("ef", "tea", "milk oat"),
        *visits("gh", "tea", "chocolate under 1"),
        *visits("ij", "tea", "chocolate under 2"),
    ]
    assert [text for text, _ in like(tmp_path, events, "tea")] == ["chocolate under 2", "milk oat"]


def test_a_visit_ends(tmp_path: Path) -> None:
    late = VISIT_SECONDS + 1
    events = [
        *(did(0, who, "tea") for who in "abcd"),
        *(did(late, who, "milk") for who in "ab"),
        *(did(late, who, product="tea-1") for who in "cd"),
        *visits("ef", "oat", ":tea-1"),
    ]
    assert like(tmp_path, events, "tea") == []


def test_so_many_are_told_as_are_asked_for(tmp_path: Path) -> None:
    events = [
        entry for other in ("milk", "oat", "train", "cow") for entry in visits(f"a{other}", "tea", other)
    ]
    assert len(like(tmp_path / "1", events, "tea", 2)) == 2
    assert len(like(tmp_path / "2", events, "tea", 1_000)) == 4


@pytest.mark.parametrize(("query", "error"), [(" \n", InvalidValue), ("é" * 501, TooLarge)])
def test_bad_queries_are_refused(tmp_path: Path, query: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        like(tmp_path, [], query)


def test_trails_stay_bounded_and_keep_the_commonest(tmp_path: Path) -> None:
    events = [
        entry
        for number in range(3 * MOST)
        for entry in (did(0, f"v{number}", "tea"), did(1, f"v{number}", f"tea {number}"))
    ]
    events[30:30] = [
        entry
        for number in range(COUNTED + 9)
        for entry in visits([f"w{number}"], "tea", "milk")  # type: ignore[arg-type]
    ]
    with shop_database(tmp_path, events) as database:
        trails = SqliteTrails(database).beside("tea")
        with database.read() as connection:
            longest = connection.execute("SELECT max(length(marks)) FROM trails").fetchone()
    assert (len(trails), trails[0]) == (MOST, Trail("milk", COUNTED + 9))
    assert longest == (4 * COUNTED,)


def test_two_shoppers_of_one_slot_lose_a_visit_and_mix_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_trails, "SLOTS", 1)
    events = [did(0, "a", "tea"), did(1, "b", "milk"), did(2, "a", "oat"), did(3, "a", "train")]
    with shop_database(tmp_path, events) as database:
        assert SqliteTrails(database).beside("tea") == []
        assert SqliteTrails(database).beside("oat") == [Trail("train", 1)]


def test_where_the_log_is_thin_meaning_fills_up(tmp_path: Path) -> None:
    events = [*visits("ab", "milk", "tea"), *visits("cd", "train")]
    meaning = Meaning(ConceptEncoder(CONCEPTS), MemoryVectors())
    with shop_database(tmp_path, [*map(upsert, SHOP), *events]) as database:
        completions = SqliteCompletions(database)
        meanings = QueryMeanings(lambda most: completions.popular_queries("", most), lambda: meaning)
        assert meanings.near("cow", 5) == []
        meanings.refresh()
        assert meanings.near("locomotive", 5) == ["train"]
        searcher = Searcher(TantivyCatalogue(database), lambda: None, SqliteLexicon(database))
        found = SimilarQueries(SqliteTrails(database), meanings.near, searcher.finds).like
        assert found("cow") == [Similar("milk", "meaning")]
        assert found("milk") == [Similar("tea", "typed")]
        held = meanings._known
        meanings.refresh()
        assert meanings._known is held, "nothing is embedded twice"
        assert held is not None
        assert np.allclose(np.linalg.norm(held.vectors, axis=1), 1)
