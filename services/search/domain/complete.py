"""Completions of what is typed: past queries first, then the catalogue's own words."""

from typing import Final

from services.search.domain.ports import Catalogue, Suggestion
from services.search.domain.request import check_text, page_size
from services.search.domain.text import key

DEFAULT_SUGGESTIONS: Final = 8
MAX_SUGGESTIONS: Final = 50


class Completer:
    """Answers completions; any thread may call it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def complete(self, typed: str, size: int) -> list[Suggestion]:
        """Queries that begin with what was typed, each once; none for nothing typed. Raises TooLarge."""
        check_text(typed, "prefix")
        size = page_size(size, DEFAULT_SUGGESTIONS, MAX_SUGGESTIONS)
        prefix = key(typed)
        if not prefix:
            return []
        with self._catalogue.look() as shelf:
            found = shelf.suggestions(prefix, size)
        once: dict[str, Suggestion] = {}
        for suggestion in found:
            once.setdefault(key(suggestion.text), suggestion)
        return list(once.values())[:size]
