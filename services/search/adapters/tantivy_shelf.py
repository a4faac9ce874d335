"""Reads of the catalogue: words are ranked and products ordered by tantivy, all is counted by rows."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, Final

import numpy as np
from tantivy import Order as Direction

from services.search.adapters.embedded_index import EmbeddedIndex
from services.search.adapters.segments import Books, Part, Rows
from services.search.adapters.sqlite_view import SearchDatabase
from services.search.adapters.tally import EVERYTHING, Found, Tally, by_count, most
from services.search.adapters.tantivy_index import price_keys
from services.search.adapters.tantivy_query import QueryBuilder
from services.search.adapters.view_reads import brand_spellings, title_words
from services.search.domain.attributes import attribute_of
from services.search.domain.ports import Candidate, Place, Wanted, Word
from services.search.domain.request import Filter, Order

_ORDERS: Final = {
    Order.RELEVANCE: "id",
    Order.PRICE_ASCENDING: "cheapest",
    Order.PRICE_DESCENDING: "dearest",
}
MARGIN: Final = 1.25
LEAST: Final = 50
MANY: Final = 5_000
"""Of a query with a filter, so many more are looked at without it; at most MANY."""

FEW: Final = 2_000
"""Products that say a phrase, up to which they are all looked at instead of the asked ones one by one."""

_COLUMNS: Final = {"brand": "brand_key", "price": "price_range", "availability": "availability"}


class TantivyCatalogue:
    """The Catalogue port over the view's file and the index beside it."""

    def __init__(self, database: SearchDatabase) -> None:
        assert isinstance(database.index, EmbeddedIndex), "the words of this view are elsewhere"
        self._database = database
        self._index = database.index
        self._queries = QueryBuilder(self._index.words)

    @contextmanager
    def look(self) -> Iterator["TantivyShelf"]:
        """See Catalogue."""
        with ExitStack() as open_:
            with self._index.swap:
                connection = open_.enter_context(self._database.read())
                # SQLite takes its snapshot at the first read, not where the transaction begins.
                connection.execute("SELECT 1 FROM products LIMIT 1").fetchone()
                searcher, shown = self._index.words.searcher(), self._index.rows.look()
            yield TantivyShelf(connection, searcher, self._queries, shown)


class TantivyShelf:
    """The Shelf port over one searcher and one read transaction."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        searcher: Any,
        queries: QueryBuilder,
        shown: tuple[Sequence[Part], Books],
    ) -> None:
        self._connection = connection
        self._searcher = searcher
        self._queries = queries
        self._tally = Tally(shown, queries.analyse, self._saying_anywhere, self._named)

    def count(self, wanted: Wanted) -> int:
        """See Shelf."""
        return self._tally.count(wanted)

    def ranked(self, wanted: Wanted, limit: int) -> list[Candidate]:
        """See Shelf."""
        if not wanted.words:
            return self._tally.alike(wanted, limit)
        filtered = not wanted.texts and wanted.filter != EVERYTHING
        if filtered and (found := self._best_let_through(wanted, limit)) is not None:
            return found
        return self._best(wanted, limit, EVERYTHING)

    def _best(self, wanted: Wanted, limit: int, filter_: Filter) -> list[Candidate]:
        """The best that tantivy finds, as far as the filter lets them through."""
        hits = self._searcher.search(self._queries.wanted(wanted), limit, count=False).hits
        return self._tally.candidates(self._numbers("document", hits), [score for score, _ in hits], filter_)

    def _best_let_through(self, wanted: Wanted, limit: int) -> list[Candidate] | None:
        """The same as with a query that filters; None when the best of all would have to be very many.

        Without a filter not all that is found is scored (WAND): a fifth of the time, where it is much.
        """
        words = replace(wanted, filter=EVERYTHING)
        every, through = self._tally.count(words), self._tally.count(wanted)
        if not through:
            return []
        asked = min(every, LEAST + int(MARGIN * limit * every / through))
        if asked > MANY:
            return None
        found = self._best(words, asked, wanted.filter)[:limit]
        return found if len(found) == min(limit, through) else None

    def saying(self, words: Sequence[Word], documents: Sequence[int]) -> set[int]:
        """See Shelf."""
        if not documents:
            return set()
        query = self._queries.saying(words)
        found = self._searcher.search(query, FEW)
        if found.count > FEW:
            found = self._searcher.search(self._queries.among(query, documents), len(documents), count=False)
        return set(self._numbers("document", found.hits)).intersection(documents)

    def title_words(self, wanted: Wanted, product_ids: Sequence[str]) -> Mapping[str, list[str]]:
        """See Shelf."""
        return title_words(self._connection, self._queries.analyse, wanted, product_ids)

    def listing(self, wanted: Wanted, order: Order, after: Place | None, limit: int) -> list[Place]:
        """See Shelf."""
        query = self._queries.wanted(wanted)
        if order is Order.RELEVANCE:
            return self._by_id(query, after, limit)
        field = _ORDERS[order]
        found = list[Place]()
        if after is None or after.micros is not None:
            found = self._by_price(query, field, after, limit)
            after = None
        if len(found) < limit:
            found += self._by_id(self._queries.lacking(query, field), after, limit - len(found))
        return found

    def facets(self, names: Sequence[str], wanted: Wanted, limit: int) -> Mapping[str, list[tuple[str, int]]]:
        """See Shelf."""
        found = self._tally.found(wanted)
        return {name: self._facet(name, found, limit) for name in names}

    def _facet(self, name: str, found: Found, limit: int) -> list[tuple[str, int]]:
        first = most(self._values(name, found), limit)
        if name != "brand":
            return first
        shown = brand_spellings(self._connection, [key for key, _ in first])
        return sorted(((shown.get(key, key), count) for key, count in first), key=by_count)

    def _values(self, name: str, found: Found) -> Mapping[str, int]:
        if name == "category":
            return self._tally.paths(found)
        if (attribute := attribute_of(name)) is not None:
            return self._tally.attribute_values(attribute, found)
        return self._tally.values(_COLUMNS[name], found)

    def _by_price(self, query: Any, field: str, after: Place | None, limit: int) -> list[Place]:
        """Products with a price, in its order, ties by id wherever a page is cut."""
        found, last = list[Place](), -1
        if after is not None and after.micros is not None:
            last = price_keys(after.currency, after.micros)[field == _ORDERS[Order.PRICE_DESCENDING]]
            found = self._by_id(self._queries.at(query, field, last), after, limit)
        while len(found) < limit:
            hits = self._first(self._queries.above(query, field, last), field, limit - len(found))
            if not hits:
                break
            last = hits[-1][0]
            found += self._places([hit for hit in hits if hit[0] != last])
            found += self._by_id(self._queries.at(query, field, last), None, limit - len(found))
        return found

    def _by_id(self, query: Any, after: Place | None, limit: int) -> list[Place]:
        """Products by id; those up to the place are passed over, twice as many at a time."""
        if after is None:
            return self._places(self._first(query, "id", limit))
        looked = limit
        while True:
            looked *= 2
            hits = self._first(query, "id", looked)
            left = [hit for hit in hits if hit[0] > after.product_id]
            if len(left) >= limit or len(hits) < looked:
                return self._places(left[:limit])

    def _first(self, query: Any, field: str, limit: int) -> list[tuple[Any, Any]]:
        """The first by a field, lowest first: its value and where the product is."""
        found = self._searcher.search(query, limit, count=False, order_by_field=field, order=Direction.Asc)
        return list(found.hits)

    def _places(self, hits: Sequence[tuple[Any, Any]]) -> list[Place]:
        documents = self._numbers("document", hits)
        rows = self._connection.execute(
            "SELECT document, currency, micros, id FROM products"
            " WHERE document IN (SELECT value FROM json_each(?))",
            (json.dumps(documents),),
        )
        places = {document: Place(*place) for document, *place in rows}
        found = [
            (hit[0], places[document])
            for hit, document in zip(hits, documents, strict=True)
            if document in places
        ]
        return [place for _, place in sorted(found, key=lambda pair: (pair[0], pair[1].product_id))]

    def _saying_anywhere(self, text: str) -> Rows:
        """The documents that have a text's words side by side in one of their fields, sorted."""
        query = self._queries.anywhere(text)
        hits = self._searcher.search(query, max(1, self._searcher.num_docs), count=False).hits
        return np.sort(np.array(self._numbers("document", hits), np.int64))

    def _named(self, product_ids: Sequence[str]) -> Rows:
        """The documents of these products, sorted."""
        rows = self._connection.execute(
            "SELECT document FROM products WHERE id IN (SELECT value FROM json_each(?)) ORDER BY document",
            (json.dumps(product_ids),),
        )
        return np.array([document for (document,) in rows], np.int64)

    def _numbers(self, field: str, hits: Sequence[Any]) -> list[int]:
        return list(self._searcher.fast_field_values(field, [address for _, address in hits]))
