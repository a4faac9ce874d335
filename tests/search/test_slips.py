"""What a query with a slip was meant to say, and how an answer is divided between readings, by eye."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_view import SearchDatabase
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.domain.answer import Page
from services.search.domain.blending import Found, blended
from services.search.domain.fusion import Match, Parts
from services.search.domain.ports import Candidate
from services.search.domain.query.slips import slip
from services.search.domain.query.spelling import Reading, Sense, beside, changed, corrected, unknown
from services.search.domain.request import Request
from services.search.domain.search import Searcher
from tests.search.shop import product, shop_database, upsert

TITLES = ["Laser Printer"] * 2 + ["Laser Printed Card"] * 8 + ["FA 60 Bracket"] + ["Desk Fan"] * 30 + ["Hat"]
SHOP = [upsert(product(f"p{at:02}", title)) for at, title in enumerate(TITLES)]


@pytest.fixture
def printers(tmp_path: Path) -> Iterator[SearchDatabase]:
    """A shop in which more is printed than prints."""
    with shop_database(tmp_path, SHOP) as database:
        yield database


@pytest.fixture
def searcher(printers: SearchDatabase) -> Searcher:
    return Searcher(TantivyCatalogue(printers), lambda: None, SqliteLexicon(printers))


def having(words: Sequence[str]) -> int:
    """How many titles of the shop have these words, or words with that beginning."""
    return sum(all(word in title.casefold() for word in words) for title in TITLES)


def ids(page: Page) -> list[str]:
    return [result.product_id for result in page.results]


def told(readings: Sequence[Reading]) -> list[tuple[str, float]]:
    return [(" ".join(reading.words), round(reading.share, 2)) for reading in readings]


def test_the_likeliest_reading_means_what_the_shop_sells(printers: SearchDatabase) -> None:
    lexicon, typed = SqliteLexicon(printers), ["laser", "printel"]
    by_words = corrected(typed, typed[1:], lexicon, having, Sense())
    assert told(by_words) == [("laser printed", 1.0), ("laser printer", 0.62)]
    near = {"laser printer": 0.7, "laser printed": 0.5}
    by_meaning = corrected(typed, typed[1:], lexicon, having, Sense(nearness=near.__getitem__))
    assert [words for words, _ in told(by_meaning)] == ["laser printer", "laser printed"]


def test_what_the_language_has_is_no_slip() -> None:
    for known, expected in ((True, []), (False, ["tex"])):
        assert unknown(["tex"], lambda words: 0, Sense(lambda word, known=known: known)) == expected


def test_a_query_that_products_have_needs_a_far_likelier_reading(printers: SearchDatabase) -> None:
    lexicon = SqliteLexicon(printers)
    itself, others = beside(["fa"], 1, lexicon, having, Sense())
    assert [words for words, _ in told(others)] == ["fan"]
    assert itself.share < 1
    assert beside(["fa"], 20, lexicon, having, Sense())[1] == []


def test_every_reading_has_its_share_of_the_places() -> None:
    def found(first: int, whole: int = 0) -> list[Match]:
        candidates = [Candidate(n, f"p{n}", n, 0.0) for n in range(first, first + 4)]
        every = [2.0 * (at < whole) for at in range(4)]
        return [
            Match(c, 9 - at, parts=Parts(meaning=9 - at - e, every_word=e))
            for at, (c, e) in enumerate(zip(candidates, every, strict=True))
        ]

    halves = blended([Found("a", 1.0, found(0)), Found("b", 0.5, found(2))], stands=False)
    assert [match.candidate.document for match in halves] == [0, 1, 2, 3, 4, 5]
    assert [match.said for match in halves] == ["", "", "b", "", "b", "b"]
    stands = blended([Found("a", 0.1, found(0, whole=2)), Found("b", 1.0, found(2))], stands=True)
    assert [match.candidate.document for match in stands] == [0, 1, 2, 3, 4, 5]
    for answer in (halves, stands):
        scores = [match.score for match in answer]
        assert scores == sorted(scores, reverse=True)
        assert len(set(scores)) == len(scores)
        assert scores == pytest.approx([sum(match.parts) for match in answer])


def test_what_was_typed_stands_first_and_the_likelier_reading_beside_it(searcher: Searcher) -> None:
    page = searcher.search(Request("fa", page_size=50, facets=("brand",)))
    assert (page.query.text, page.query.corrections, page.query.every_reading) == ("fa", (), (("fa", "fan"),))
    assert (ids(page)[0], len(ids(page)), page.total) == ("p10", 31, 31)
    assert {result.reason for result in page.results[1:]} == {"Matches “fan”"}
    assert ids(searcher.search(Request("fa", exact=True))) == ["p10"]


def test_of_two_readings_both_are_answered_and_told(searcher: Searcher) -> None:
    page = searcher.search(Request("laser printel", page_size=4))
    assert [tuple(change) for change in page.query.corrections] == [("printel", "printed")]
    assert page.query.every_reading == (("laser",), ("printed", "printer"))
    assert {"p00", "p02"} <= set(ids(page))


@pytest.mark.parametrize("typed", ["fan", "hat", "desk fan", "laser printer"])
def test_what_the_shop_has_is_never_touched(searcher: Searcher, typed: str) -> None:
    query = searcher.search(Request(typed)).query
    assert (query.text, query.beside, query.corrections) == (typed, (), ())


def test_a_number_with_a_letter_in_it_is_a_number(tmp_path: Path) -> None:
    with shop_database(tmp_path, [upsert(product("w", "Windows 10 Home"))]) as database:
        searcher = Searcher(TantivyCatalogue(database), lambda: None, SqliteLexicon(database))
        assert searcher.search(Request("windows 1f0")).query.text == "windows 10"


def test_changes_are_told_word_for_word() -> None:
    assert changed(["woden", "trian"], ["wooden", "train"]) == [("woden", "wooden"), ("trian", "train")]
    assert changed(["big", "blacktea"], ["big", "black", "tea"]) == [("blacktea", "black tea")]


def test_a_swap_is_likelier_than_another_letter() -> None:
    assert slip("milk", "mlik") < slip("milk", "malk") < slip("printers", "prinetsr")
    assert slip("ps5", "ps4") == float("inf")
