"""Everything that is wanted, by row: how many products it is, and how many of them have each value.

Words, texts and filters are bitmaps that meet; a price is compared product by product, in a column. Values
are counted by their codes, all at once (np.bincount), so a count is always of all that is wanted.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import and_, or_
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
from pyroaring import BitMap

from services.search.adapters.segments import NONE, Books, Column, Part, Rows, bitmap, numbers
from services.search.adapters.terms import attribute_term, value_term
from services.search.adapters.view_reads import Analyse
from services.search.domain.ports import Candidate, Wanted, Word
from services.search.domain.product import OUT_OF_STOCK
from services.search.domain.query.negation import says_without
from services.search.domain.request import Filter

T = TypeVar("T")

Found = Sequence[npt.NDArray[np.uint32]]
"""Of each part the rows that are wanted, in order."""


Documents = Callable[[T], Rows]
"""The documents of something, sorted."""


EVERYTHING: Final = Filter()

_MANY: Final = 8
"""One in so many of a segment's rows, from which on the prices of all of them are compared."""


class Tally:
    """One look at the rows; what was found for a request is kept for its other counts."""

    def __init__(
        self,
        shown: tuple[Sequence[Part], Books],
        analyse: Analyse,
        phrase: Documents[str],
        named: Documents[Sequence[str]],
    ) -> None:
        """`phrase` has a text's words side by side in a field, `named` have the ids."""
        self._parts, self._books = shown
        self._analyse, self._phrase, self._named = analyse, phrase, named
        self._matching = dict[Wanted, list[BitMap]]()
        self._through = dict[Filter, list[BitMap]]()
        self._priced = dict[tuple[int, int | None, int | None], Column]()
        self._found = dict[Wanted, Found]()
        self._phrases = dict[str, Rows]()
        self._texts = dict[tuple[int, ...], list[BitMap]]()

    def count(self, wanted: Wanted) -> int:
        """How many products are wanted."""
        if _priced(wanted.filter):
            return sum(map(len, self.found(wanted)))
        return sum(len(let & match) for let, match in self._both(wanted))

    def found(self, wanted: Wanted) -> Found:
        """The rows that are wanted, of each part."""
        if wanted not in self._found:
            self._found[wanted] = self._find(wanted)
        return self._found[wanted]

    def _find(self, wanted: Wanted) -> Found:
        together = (numbers(let & match) for let, match in self._both(wanted))
        filter_ = wanted.filter
        if not _priced(filter_):
            return list(together)
        return [
            rows[self._within(part, rows, filter_)] for part, rows in zip(self._parts, together, strict=True)
        ]

    def _within(self, part: Part, rows: Column, filter_: Filter) -> Column:
        """Whether the price of each of the rows is within the filter's."""
        micros = part.segment.column("micros")
        if len(rows) * _MANY < len(micros):
            return _within(micros[rows], filter_)
        asked = id(part), filter_.minimum, filter_.maximum
        if asked not in self._priced:
            self._priced[asked] = _within(micros, filter_)  # one after the other they are read sooner
        within: Column = self._priced[asked][rows]
        return within

    def values(self, name: str, found: Found) -> Mapping[str, int]:
        """The texts of a coded column that the rows have, with their numbers of products."""
        counts, texts = self._codes(name, found), self._books.texts[name]
        there = np.flatnonzero(counts).tolist()
        told = zip(map(texts.__getitem__, there), counts[there].tolist(), strict=True)
        return {text: count for text, count in told if text}

    def paths(self, found: Found) -> Mapping[str, int]:
        """The category paths that the rows have, with their numbers of products."""
        return self._books.paths(self._codes("shelf", found))

    def _codes(self, name: str, found: Found) -> Column:
        """How many of the rows have each code."""
        counts = np.zeros(len(self._books.texts[name]), np.int64)
        for part, rows in zip(self._parts, found, strict=True):
            some = np.bincount(part.segment.column(name)[rows])
            counts[: len(some)] += some
        return counts

    def alike(self, wanted: Wanted, limit: int) -> list[Candidate]:
        """The first so many of what is wanted, without scores."""
        documents = [
            part.segment.column("document")[rows[:limit]]
            for part, rows in zip(self._parts, self.found(wanted), strict=True)
        ]
        first = np.concatenate((np.empty(0, np.int64), *documents))[:limit].tolist()
        return self.candidates(first, [0.0] * len(first))

    def candidates(
        self, documents: Sequence[int], scores: Sequence[float], filter_: Filter = EVERYTHING
    ) -> list[Candidate]:
        """Those of the products that are there and that the filter lets through, in this order."""
        asked, told = np.array(documents, np.int64), dict[int, tuple[str, int]]()
        left = np.ones(len(asked), bool)
        for part, through in zip(self._parts, self._let_through(filter_), strict=True):
            at = np.flatnonzero(left)
            places = part.segment.rows_of(asked[at])
            at, rows = at[places >= 0], places[places >= 0]
            if filter_ != EVERYTHING:
                passing = _passing(part, through, rows, filter_)
                at, rows = at[passing], rows[passing]
            left[at] = False
            text_keys = part.segment.column("text_key")[rows].tolist()
            told |= zip(at.tolist(), zip(part.segment.ids(rows), text_keys, strict=True), strict=True)
        return [Candidate(documents[at], *told[at], scores[at]) for at in sorted(told)]

    def attribute_values(self, name: str, found: Found) -> Mapping[str, int]:
        """The values of an attribute that the rows have, with their numbers of products."""
        counts: dict[str, int] = {}
        for part, rows in zip(self._parts, found, strict=True):
            for value, count in part.segment.counts(attribute_term(name, ""), bitmap(rows)).items():
                counts[value] = counts.get(value, 0) + count
        return counts

    def _both(self, wanted: Wanted) -> Iterator[tuple[BitMap, BitMap]]:
        """Of each part what the filter lets through but for its price, and what the words and texts find."""
        asked = Wanted(wanted.words, wanted.every, wanted.prefix, wanted.texts)
        if asked not in self._matching:
            self._matching[asked] = [self._matches(at, asked) for at in range(len(self._parts))]
        yield from zip(self._let_through(wanted.filter), self._matching[asked], strict=True)

    def _matches(self, at: int, asked: Wanted) -> BitMap:
        part = self._parts[at]
        if not asked.words and not asked.texts:
            return part.alive
        found = BitMap()
        if asked.words:
            last = len(asked.words) - 1
            words = [
                self._word(part, word, asked.prefix and place == last)
                for place, word in enumerate(asked.words)
            ]
            found = reduce(and_ if asked.every else or_, words)
        if asked.texts:
            found = found | self._saying(asked.texts)[at]
        return found & part.alive

    def _saying(self, texts: tuple[int, ...]) -> list[BitMap]:
        """Of each part the rows whose text is one of these."""
        if texts not in self._texts:
            keys = np.sort(np.array(texts, np.int64))
            self._texts[texts] = [part.segment.saying(keys) for part in self._parts]
        return self._texts[texts]

    def _word(self, part: Part, word: Word, prefix: bool) -> BitMap:
        found = [self._text(part, text) for text in word]
        if prefix and (terms := self._analyse(word[0])):
            found += [rows for _, rows in part.segment.postings.beginning(terms[-1])]
        return BitMap.union(*found)

    def _text(self, part: Part, text: str) -> BitMap:
        """What has a text's words, several of them side by side."""
        terms = self._analyse(text)
        if len(terms) < 2:
            return part.segment.postings.of(terms[0]) if terms else BitMap()
        if not reduce(and_, (part.segment.postings.of(term) for term in terms)):
            return BitMap()
        if text not in self._phrases:
            self._phrases[text] = self._phrase(text)
        return _rows(part, self._phrases[text])

    def _let_through(self, filter_: Filter) -> list[BitMap]:
        """Of each part what the filter lets through but for its price."""
        priceless = replace(filter_, minimum=None, maximum=None)
        if priceless not in self._through:
            self._through[priceless] = [self._through_of(part, priceless) for part in self._parts]
        return self._through[priceless]

    def _through_of(self, part: Part, filter_: Filter) -> BitMap:
        through = part.alive
        postings = part.segment.postings
        for terms in _conditions(filter_):
            through = through & BitMap.union(BitMap(), *map(postings.of, terms))
        if filter_.products:
            through = through & _rows(part, self._named(filter_.products))
        if filter_.in_stock_only:
            through = through - postings.of(value_term("availability", OUT_OF_STOCK))
        for word in filter_.without:
            free = BitMap.union(BitMap(), *(self._text(part, phrase) for phrase in says_without(word)))
            through = through - (self._text(part, word) - free)
        return through


def most(counts: Mapping[str, int], limit: int) -> list[tuple[str, int]]:
    """The values with most products, ties by value."""
    if len(counts) > limit:
        least = sorted(counts.values())[-limit]
        counts = {value: count for value, count in counts.items() if count >= least}
    return sorted(counts.items(), key=by_count)[:limit]


def by_count(pair: tuple[str, int]) -> tuple[int, str]:
    """Most products first, ties by value."""
    return -pair[1], pair[0]


def _rows(part: Part, documents: Rows) -> BitMap:
    places = part.segment.rows_of(documents)
    return bitmap(places[places >= 0])


def _conditions(filter_: Filter) -> Iterator[list[str]]:
    """Terms of which a product must have one, each condition."""
    if filter_.categories:
        yield [value_term("path", path) for path in filter_.categories]
    if filter_.brands:
        yield [value_term("brand_key", brand) for brand in filter_.brands]
    if filter_.currency:
        yield [value_term("currency", filter_.currency)]
    for name, values in filter_.attributes:
        yield [attribute_term(name, value) for value in values]


def _passing(part: Part, through: BitMap, rows: Rows, filter_: Filter) -> Column:
    """Whether the filter, of which `through` is all but the price, lets each of the rows through."""
    passing = np.array([row in through for row in rows.tolist()], bool)
    return passing & _within(part.segment.column("micros")[rows], filter_) if _priced(filter_) else passing


def _priced(filter_: Filter) -> bool:
    return filter_.minimum is not None or filter_.maximum is not None


def _within(micros: Column, filter_: Filter) -> Column:
    within: Column = micros != NONE
    if filter_.minimum is not None:
        within &= micros >= filter_.minimum
    if filter_.maximum is not None:
        within &= micros <= filter_.maximum
    return within
