"""What is wanted, as a filter of Milvus and a query vector: words, near texts and conditions, by numbers."""

from collections.abc import Iterable, Mapping, Sequence
from math import log
from typing import Final, Protocol

from services.search.adapters.milvus_terms import dimension, numbers, terms, trait
from services.search.domain.ports import Wanted, Word
from services.search.domain.product import OUT_OF_STOCK
from services.search.domain.query.negation import says_without
from services.search.domain.request import Filter
from services.search.domain.text import fingerprint

EVERYTHING: Final = "product >= 0"
_NOTHING: Final = "product < 0"


class Spellings(Protocol):
    """The catalogue's stems."""

    def products(self, stem: str) -> int:
        """How many products have it, about."""
        ...

    def beginning(self, stem: str) -> Sequence[str]:
        """Those that begin so."""
        ...


class Query:
    """One look's wanted products in the words of Milvus."""

    def __init__(self, wanted: Wanted, spellings: Spellings) -> None:
        self._wanted = wanted
        self._spellings = spellings

    @property
    def filter(self) -> str:
        """True of the products that have the words or one of the texts, and are let through."""
        found = []
        if self._wanted.words:
            found.append(self._words())
        if self._wanted.texts:
            found.append(f"text_key in {list(self._wanted.texts)}")
        return _all([_any(found) if found else EVERYTHING, *conditions(self._wanted.filter)])

    def vector(self, products: int) -> Mapping[int, float]:
        """The query's side of BM25, in a catalogue of so many products: how rare each stem is."""
        stems = {stem for word in self._wanted.words for text in word for stem in terms(text)}
        found = dict[int, float]()
        for stem in sorted(stems.union(self._unfinished())):
            having = min(self._spellings.products(stem), products)
            rarity = log(1 + (products - having + 0.5) / (having + 0.5))
            found[dimension(stem)] = max(found.get(dimension(stem), 0.0), rarity)
        return found

    def _words(self) -> str:
        last = len(self._wanted.words) - 1
        each = [
            _word(word, self._unfinished() if place == last else ())
            for place, word in enumerate(self._wanted.words)
        ]
        return _all(each) if self._wanted.every else _any(each)

    def _unfinished(self) -> Sequence[str]:
        stems = terms(self._wanted.words[-1][0])[-1:] if self._wanted.prefix else []
        return [known for stem in stems for known in self._spellings.beginning(stem)]


def saying(words: Sequence[Word], documents: Sequence[int]) -> str:
    """True of those of the documents that have the words in their description, side by side."""
    said = _having(" ".join(word[0] for word in words), "said")
    return _all([said, f"document in {list(documents)}"])


def conditions(filter_: Filter) -> list[str]:
    """Each must be true."""
    needed = []
    for kind, values in (("path", filter_.categories), ("brand", filter_.brands)):
        if values:
            needed.append(_among("traits", [trait(kind, value) for value in values]))
    for name, values in filter_.attributes:
        traits = [trait(f"attribute {name}", value) for value in values]
        needed.append(_among("traits", traits) if traits else _NOTHING)
    if filter_.products:
        needed.append(f"product in {list(map(fingerprint, filter_.products))}")
    if filter_.currency:
        needed.append(_among("traits", [trait("currency", filter_.currency)]))
    if filter_.minimum is not None:
        needed.append(f"micros >= {filter_.minimum}")
    if filter_.maximum is not None:
        needed.append(f"micros <= {filter_.maximum}")
    if filter_.in_stock_only:
        needed.append(f"not {_among('traits', [trait('availability', OUT_OF_STOCK)])}")
    for word in filter_.without:
        free = _any([_having(phrase) for phrase in says_without(word)])
        needed.append(f"not ({_having(word)} and not {free})")
    return needed


def _word(word: Word, unfinished: Sequence[str]) -> str:
    alone = [fingerprint(stem) for stem in unfinished]
    phrases = []
    for text in word:
        stems = terms(text)
        if len(stems) == 1:
            alone += numbers(stems)
        elif stems:
            phrases.append(_having(text))
    return _any([*([_among("terms", alone)] if alone else []), *phrases])


def _having(text: str, field: str = "terms") -> str:
    wanted = numbers(terms(text))
    return f"array_contains_all({field}, {wanted})" if wanted else _NOTHING


def _among(field: str, values: Iterable[int]) -> str:
    return f"array_contains_any({field}, {list(values)})"


def _any(expressions: Sequence[str]) -> str:
    return f"({' or '.join(expressions)})" if expressions else _NOTHING


def _all(expressions: Sequence[str]) -> str:
    return f"({' and '.join(expressions)})"
