"""Which attributes a query asks for: "red shoes size 42" names a colour and a size, told with confidence.

A word or phrase names a value of an attribute as surely as products that have the word have it there. A
number names one only after the attribute's name, whose words then ask for nothing else.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from services.search.domain.attributes import number
from services.search.domain.query.lexicon import Asked, Lexicon, Said
from services.search.domain.query.understanding import Understanding
from services.search.domain.text import key

LONGEST_VALUE: Final = 3
"""Words of the longest value that is looked for."""

LEAST_CONFIDENCE: Final = 0.2
MOST: Final = 5

Having = Callable[[str], int]
"""How many products have this word or phrase anywhere."""


def attributed(query: Understanding, lexicon: Lexicon, having: Having) -> Understanding:
    """The query with the attributes that it asks for; the name of one asks for no word."""
    asked = asked_for(query.text, lexicon, having)
    names = {word for one in asked for word in one.words[: -len(one.key.split())]}
    left = tuple(word for word in query.words if word[0] not in names)
    return replace(query, attributes=tuple(asked), words=left or query.words)


def asked_for(text: str, lexicon: Lexicon, having: Having) -> list[Asked]:
    """The values that the query names, surest first, each word in one of them at most."""
    typed = key(text).split()
    spans = [
        range(start, start + length)
        for length in range(min(LONGEST_VALUE, len(typed)), 0, -1)
        for start in range(len(typed) - length + 1)
    ]
    keys = {" ".join(typed[span.start : span.stop]): span for span in reversed(spans)}
    said = lexicon.values(list(keys))
    found = [one for value in said if (one := _asked(typed, keys[value.key], value, having))]
    found.sort(key=lambda one: (-len(one.words), -one.confidence, one.name))
    return list(_apart(found))[:MOST]


def _asked(typed: Sequence[str], span: range, said: Said, having: Having) -> Asked | None:
    words = tuple(typed[span.start : span.stop])
    name = said.name.replace("_", " ").split()
    if tuple(typed[span.start - len(name) : span.start]) == tuple(name):
        return Asked(said.name, said.key, said.text, 1.0, (*name, *words))
    if number(said.key) is not None:
        return None
    sure = min(1.0, said.products / max(1, having(said.key)))
    return Asked(said.name, said.key, said.text, sure, words) if sure >= LEAST_CONFIDENCE else None


def _apart(found: Sequence[Asked]) -> Iterator[Asked]:
    taken = set[str]()
    for one in found:
        if taken.isdisjoint(one.words):
            taken.update(one.words)
            yield one
