"""Completions of what is typed: the shopper's own past queries, popular ones, then the catalogue's own words.

Where nothing begins with what was typed, a slip is assumed, and what begins with the mended opening is told.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from services.search.domain import history
from services.search.domain.ports import Completions, Suggestion
from services.search.domain.query.lexicon import Lexicon
from services.search.domain.query.unfinished import openings, swapped
from services.search.domain.request import check_id, check_text, page_size
from services.search.domain.text import key

DEFAULT_SUGGESTIONS: Final = 8
MAX_SUGGESTIONS: Final = 50

OWN: Final = 3
"""Own past queries at most, so that there is room for what the shopper does not know yet."""


@dataclass(frozen=True, slots=True)
class Completed:
    """Completions; `corrected` is what they begin with, when nothing begins with what was typed."""

    suggestions: list[Suggestion]
    corrected: str = ""


class Completer:
    """Answers completions; any thread may call it."""

    def __init__(
        self, completions: Completions, lexicon: Lexicon, finds: Callable[[str], bool] = lambda query: True
    ) -> None:
        """`finds` tells whether products have every word of a query."""
        self._completions = completions
        self._lexicon = lexicon
        self._finds = finds

    def complete(self, typed: str, size: int, visitor_id: str = "", user_id: str = "") -> Completed:
        """Queries that begin with what was typed, each once; for nothing, past ones that find products.

        Raises TooLarge.
        """
        check_text(typed, "prefix")
        check_id(visitor_id, "visitor_id")
        check_id(user_id, "user_id")
        size = page_size(size, DEFAULT_SUGGESTIONS, MAX_SUGGESTIONS)
        prefix = key(typed)
        who = history.person(visitor_id, user_id) if visitor_id or user_id else None
        if found := self._beginning(prefix, size, who):
            return Completed(found)
        for opening in self._meant(typed):
            if found := self._beginning(opening, size, who):
                return Completed(found, opening)
        return Completed([])

    def _meant(self, typed: str) -> Iterator[str]:
        """What may have been meant to be typed, most likely first."""
        yield from openings(key(typed), self._lexicon, self._completions.beginnings)
        # A space at the end may be half of a swap: "hpl " for "hp l".
        spaced = key(typed) + (" " if typed[-1:].isspace() else "")
        yield from swapped(spaced, self._completions.begun)

    def _beginning(self, prefix: str, size: int, who: bytes | None) -> list[Suggestion]:
        own = self._completions.own_queries(who, prefix, min(OWN, size)) if who else []
        found = [Suggestion(text, "own") for text in own]
        if prefix:
            found += [Suggestion(text, "query") for text in self._completions.popular_queries(prefix, size)]
            # A text may come in several spellings and from two of its words, hence the room to spare.
            found += self._completions.terms(prefix, 2 * size)
        else:
            # Nobody asked for these yet: only what leads somewhere is worth a recommendation.
            popular = filter(self._finds, self._completions.popular_queries("", 2 * size))
            found += [Suggestion(text, "query") for text in islice(popular, size)]
        once: dict[str, Suggestion] = {}
        for suggestion in found:
            once.setdefault(key(suggestion.text), suggestion)
        return list(once.values())[:size]
