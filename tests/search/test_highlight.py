"""Which words of a title matched, by eye."""

import pytest

from services.search.domain.request import Request
from services.search.domain.search import Searcher


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (
            "oat milk",
            {"milk-2": ["Oat", "Milk"], "milk-3": ["Oat", "Milk"], "milk-1": ["Milk"], "choc-1": ["Milk"]},
        ),
        ("teas", {"tea-1": ["Tea"], "tea-2": ["Tea"]}),
        ("choco", {"choc-1": ["Chocolate"], "choc-2": ["Chocolate"]}),
        ("creme", {"cafe": ["Crème"]}),
        ("北海道", {"cjk": ["北", "海", "道"]}),
        ("beech", {"toy-1": []}),
    ],
)
def test_the_words_that_matched_are_told_as_the_title_has_them(
    lexical: Searcher, query: str, words: dict[str, list[str]]
) -> None:
    page = lexical.search(Request(query, highlight=True))
    assert {found.product_id: list(found.title_words) for found in page.results} == words


def test_what_is_found_by_meaning_alone_has_none(hybrid: Searcher) -> None:
    found = hybrid.search(Request("locomotive", highlight=True)).results
    assert [list(one.title_words) for one in found] == [[]]


def test_nothing_is_told_unasked(lexical: Searcher) -> None:
    assert not any(found.title_words for found in lexical.search(Request("milk")).results)
