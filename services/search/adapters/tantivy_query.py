"""What is wanted, as a query of tantivy: words, near texts and filters."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from tantivy import FieldType, Occur, Query

from services.search.adapters.tantivy_index import TantivyIndex, attribute_field
from services.search.adapters.view_reads import Analyse
from services.search.adapters.words_index import FIELD_WEIGHTS, TEXTS
from services.search.domain.ports import Wanted, Word
from services.search.domain.product import OUT_OF_STOCK
from services.search.domain.query.negation import says_without
from services.search.domain.request import Filter

_REMEMBERED: Final = 8_192
"""Words of queries and titles whose stems are kept."""


class QueryBuilder:
    """Makes queries for one index."""

    def __init__(self, index: TantivyIndex) -> None:
        self._schema = index.schema
        self.analyse: Analyse = lru_cache(_REMEMBERED)(lambda text: tuple(index.analyser.analyze(text)))

    def wanted(self, wanted: Wanted) -> Any:
        """Products with the words or one of the texts, let through; scored by the words' BM25."""
        found = []
        if wanted.words:
            found.append(self._words(wanted.words, wanted.every, wanted.prefix))
        if wanted.texts:
            found.append(Query.const_score_query(self._one_of("text_key", wanted.texts), 0.0))
        return self._let_through(_any(found) if found else Query.all_query(), wanted.filter)

    def saying(self, words: Sequence[Word]) -> Any:
        """Products that have the words in their description, side by side."""
        return self._phrase("description", self.analyse(" ".join(word[0] for word in words)))

    def among(self, query: Any, documents: Sequence[int]) -> Any:
        """Those of the documents that the query finds."""
        return _all([query, self._one_of("document", documents)])

    def at(self, query: Any, field: str, value: int) -> Any:
        """Those that the query finds and that have this value in the field."""
        return _all(
            [query, Query.const_score_query(Query.term_query(self._schema, field, value, "basic"), 0.0)]
        )

    def above(self, query: Any, field: str, value: int) -> Any:
        """Those that the query finds and that have a larger value in the field."""
        return _all([query, self._above(field, value)])

    def lacking(self, query: Any, field: str) -> Any:
        """Those that the query finds and that have no value in the field, where none is below 0."""
        return Query.boolean_query([(Occur.Must, query), (Occur.MustNot, self._above(field, -1))])

    def _above(self, field: str, value: int) -> Any:
        return Query.range_query(self._schema, field, FieldType.Integer, value, None, include_lower=False)

    def _words(self, words: Sequence[Word], every: bool, prefix: bool) -> Any:
        last = len(words) - 1
        found = [self._word(word, prefix and place == last) for place, word in enumerate(words)]
        return _all(found) if every else _any(found)

    def _word(self, word: Word, prefix: bool) -> Any:
        queries = [self.anywhere(alternative) for alternative in word]
        if prefix:
            queries.append(self._beginning(word[0]))
        return _any(queries)

    def anywhere(self, text: str) -> Any:
        """Products that have a text's words side by side in one of their fields."""
        terms = self._terms(text)
        return _any(
            [
                Query.boost_query(self._phrase(field, terms), weight)
                for field, weight in zip(TEXTS, FIELD_WEIGHTS, strict=True)
            ]
        )

    def _beginning(self, text: str) -> Any:
        """Products with a word that begins like the last one of the text, each field by its weight."""
        terms = self._terms(text)
        if not terms:
            return Query.empty_query()
        return _any(
            [
                Query.boost_query(
                    Query.fuzzy_term_query(self._schema, field, terms[-1], distance=0, prefix=True), weight
                )
                for field, weight in zip(TEXTS, FIELD_WEIGHTS, strict=True)
            ]
        )

    def _phrase(self, field: str, terms: Sequence[str]) -> Any:
        if not terms:
            return Query.empty_query()
        if len(terms) == 1:
            return Query.term_query(self._schema, field, terms[0], "freq")
        return Query.phrase_query(self._schema, field, list(terms))

    def _terms(self, text: str) -> list[str]:
        return list(self.analyse(text))

    def _let_through(self, query: Any, filter_: Filter) -> Any:
        needed, refused = self._needed(filter_), self._refused(filter_)
        if not needed and not refused:
            return query
        return Query.boolean_query(
            [
                (Occur.Must, query),
                *((Occur.Must, Query.const_score_query(each, 0.0)) for each in needed),
                *((Occur.MustNot, each) for each in refused),
            ]
        )

    def _needed(self, filter_: Filter) -> list[Any]:
        needed = []
        for field, values in (("path", filter_.categories), ("brand_key", filter_.brands)):
            if values:
                needed.append(self._one_of(field, values))
        needed += [self._one_of(attribute_field(name), values) for name, values in filter_.attributes]
        if filter_.products:
            needed.append(self._one_of("id", filter_.products))
        if filter_.currency:
            needed.append(Query.term_query(self._schema, "currency", filter_.currency, "basic"))
        if filter_.minimum is not None or filter_.maximum is not None:
            bounds = filter_.minimum, filter_.maximum
            needed.append(Query.range_query(self._schema, "micros", FieldType.Integer, *bounds))
        return needed

    def _one_of(self, field: str, values: Sequence[int] | Sequence[str]) -> Any:
        # Not a term_set_query: over a column that reads the whole of it, 2.4 ms of 100,000 products.
        return _any([Query.term_query(self._schema, field, value, "basic") for value in values])

    def _refused(self, filter_: Filter) -> list[Any]:
        refused = [self._without(word) for word in filter_.without]
        if filter_.in_stock_only:
            refused.append(Query.term_query(self._schema, "availability", OUT_OF_STOCK, "basic"))
        return refused

    def _without(self, word: str) -> Any:
        """Products that have the word and do not say that they are without it."""
        free = [(Occur.MustNot, self.anywhere(phrase)) for phrase in says_without(word)]
        return Query.boolean_query([(Occur.Must, self.anywhere(word)), *free])


def _any(queries: Sequence[Any]) -> Any:
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Should, q) for q in queries])


def _all(queries: Sequence[Any]) -> Any:
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Must, q) for q in queries])
