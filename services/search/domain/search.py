"""A search: words and meaning find, the filter lets through, fusion orders, a page is cut.

What is found does not depend on the filter: every lexical match and every text near enough in meaning,
and of those what the filter lets through. So a facet's count is what filtering by its value answers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import nsmallest
from typing import Final

from services.search.domain import paging
from services.search.domain.controls import Boost, Controls, InForce, Pin, Synonyms, with_synonyms
from services.search.domain.dense import Meaning
from services.search.domain.fusion import UNSCORED, Match, Parts, arrange, fuse
from services.search.domain.merchandising import boosted, pinned
from services.search.domain.ports import Candidate, Catalogue, Shelf, Word
from services.search.domain.product import LEVEL
from services.search.domain.query.lexicon import Lexicon
from services.search.domain.query.rewording import ENOUGH, reworded
from services.search.domain.query.understanding import Understanding, as_typed, narrowed, understand
from services.search.domain.request import MAX_FACET_VALUES, Filter, Order, Request
from services.search.domain.stages import ALL, Stage
from services.search.domain.text import words

COMPARED: Final = 2_000
"""Lexical matches, best first, whose meaning is compared; those after them are ordered by words alone."""


@dataclass(frozen=True, slots=True)
class Result:
    """One product of an answer; `reason` says why in words a shopper reads."""

    product_id: str
    score: float
    lexical_rank: int
    dense_rank: int
    reason: str
    parts: Parts = UNSCORED


@dataclass(frozen=True, slots=True)
class Page:
    """An answer. `total` counts all that match, `facets` are counted over the same.

    `query` tells what was understood, `filter` what was let through because of it.
    """

    results: list[Result]
    total: int
    next_page_token: str
    served_by: str
    facets: Mapping[str, list[tuple[str, int]]]
    query: Understanding
    filter: Filter
    redirect_uri: str = ""


class Searcher:
    """Answers searches; any thread may call it. `meaning` tells the model to use, None when there is none."""

    def __init__(
        self,
        catalogue: Catalogue,
        meaning: Callable[[], Meaning | None],
        lexicon: Lexicon,
        stages: frozenset[Stage] = ALL,
        controls: Controls | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._catalogue = catalogue
        self._meaning = meaning
        self._lexicon = lexicon
        self._stages = stages
        self._controls = controls
        self._now = now

    def search(self, request: Request) -> Page:
        """The page asked for. Raises InvalidPageToken."""
        begin = paging.offset(request)
        meaning = self._meaning() if Stage.MEANING in self._stages else None
        served_by = "hybrid" if meaning else "lexical"
        with self._catalogue.look() as shelf:
            ruled = self._in_force(request)
            query = self._understood(request, shelf, ruled)
            filter_ = narrowed(query, request.filter, self._lexicon)
            if query.text:
                matches = boosted(self._find(shelf, query, filter_, meaning), ruled.only(Boost), shelf)
                matches = arrange(matches, request.order)
                if self._controls and request.order is Order.RELEVANCE:
                    matches = pinned(matches, ruled.only(Pin), shelf, filter_, self._controls)
                shown = matches[begin : begin + request.page_size]
                results = [_result(match, query.text) for match in shown]
                total, documents = len(matches), [match.candidate.document for match in matches]
            else:
                listed = shelf.listing(filter_, request.order, begin, request.page_size)
                results = [Result(product_id, 0.0, 0, 0, _listed_because(request)) for product_id in listed]
                total, documents = shelf.count(filter_), None
            facets = {
                name: shelf.facet(name, filter_, documents, MAX_FACET_VALUES) for name in request.facets
            }
        end = begin + len(results)
        more = paging.token(request, end) if results and end < total else ""
        return Page(results, total, more, served_by, facets, query, filter_, ruled.redirect)

    def _in_force(self, request: Request) -> InForce:
        return InForce.of(self._controls.all(), request.text, self._now()) if self._controls else InForce()

    def _understood(self, request: Request, shelf: Shelf, ruled: InForce) -> Understanding:
        if request.exact or Stage.READING not in self._stages:
            return as_typed(request.text)
        plain = understand(request.text, self._lexicon)
        if (query := with_synonyms(plain, ruled.only(Synonyms))) is not plain:
            return query  # the merchant knows these words
        if not query.words or query.products or Stage.SPELLING not in self._stages:
            return query
        return reworded(
            query,
            self._lexicon,
            lambda asked, prefix: shelf.count_words(asked, every=True, prefix=prefix),
        )

    def _find(
        self, shelf: Shelf, query: Understanding, filter_: Filter, meaning: Meaning | None
    ) -> list[Match]:
        lexical, complete = (
            _by_words(shelf, query.words, filter_) if Stage.WORDS in self._stages else ([], set())
        )
        best = nsmallest(COMPARED, lexical, key=lambda c: (-c.score, c.product_id))
        phrase = set[int]()
        if best and Stage.PHRASE in self._stages:
            phrase = shelf.saying(words(query.meaning), [candidate.document for candidate in best])
        if meaning is None:
            return fuse(lexical, complete, phrase, [], {})
        vector = meaning.of(query.meaning)
        near = meaning.near(vector)
        dense = shelf.by_texts(list(near), filter_)
        cosines = meaning.similarity(vector, list({candidate.text_key for candidate in best}))
        return fuse(lexical, complete, phrase, dense, {**cosines, **near})


def _by_words(shelf: Shelf, asked: Sequence[Word], filter_: Filter) -> tuple[list[Candidate], set[int]]:
    """What has any of the words, or every one when enough do, and the documents that have every one."""
    if not asked:
        return [], set()
    count = shelf.count_words(asked, every=True)
    prefix = not count
    if prefix:
        count = shelf.count_words(asked, every=True, prefix=True)
    whole = shelf.by_words(asked, filter_, every=True, prefix=prefix)
    lexical = whole if count >= ENOUGH else shelf.by_words(asked, filter_, every=False, prefix=prefix)
    return lexical, {candidate.document for candidate in whole}


def _result(match: Match, query: str) -> Result:
    if not (match.lexical_rank or match.dense_rank):
        reason = f"Chosen for “{query}”"
    elif match.whole:
        reason = f"Matches “{query}”"
    elif match.lexical_rank:
        reason = f"Matches part of “{query}”"
    else:
        reason = f"Similar to “{query}”"
    found = match.candidate.product_id
    return Result(found, match.score, match.lexical_rank, match.dense_rank, reason, match.parts)


def _listed_because(request: Request) -> str:
    if request.filter.categories:
        return f"In {request.filter.categories[0].rsplit(LEVEL, 1)[-1]}"
    if request.filter.brands:
        return "By a brand you chose"
    if request.order is not Order.RELEVANCE:
        return "In order of price"
    return "From the catalogue"
