"""Reads of the catalogue: words, filters, orders and facet counts by tantivy, names by the view's file."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from tantivy import Order as Direction

from services.search.adapters.sqlite_view import SearchDatabase
from services.search.adapters.tantivy_categories import EVERY_BUCKET, NUMBERS, Categories
from services.search.adapters.tantivy_index import TantivyIndex, attribute_field, price_keys
from services.search.adapters.tantivy_query import QueryBuilder
from services.search.adapters.view_reads import brand_spellings, title_words
from services.search.domain.attributes import attribute_of
from services.search.domain.ports import Candidate, Place, Wanted, Word
from services.search.domain.request import Order

_FACETS: Final = {
    "brand": "brand_key",
    "price": "price_range",
    "availability": "availability",
}
_ORDERS: Final = {
    Order.RELEVANCE: "id",
    Order.PRICE_ASCENDING: "cheapest",
    Order.PRICE_DESCENDING: "dearest",
}
FEW: Final = 2_000
"""Products that say a phrase, up to which they are all looked at instead of the asked ones one by one."""

BEYOND: Final = 50
"""Values of a facet that are counted beyond those told, to see whether the last of these ties with more."""

_TOTAL: Final = {"total": {"value_count": {"field": "document"}}}


class TantivyCatalogue:
    """The Catalogue port over the view's file and the index beside it."""

    def __init__(self, database: SearchDatabase) -> None:
        assert isinstance(database.index, TantivyIndex), "the words of this view are elsewhere"
        self._database = database
        self._index = database.index
        self._queries = QueryBuilder(self._index)
        self._categories = Categories()

    @contextmanager
    def look(self) -> Iterator["TantivyShelf"]:
        """See Catalogue."""
        with ExitStack() as open_:
            with self._index.swap:
                connection = open_.enter_context(self._database.read())
                # SQLite takes its snapshot at the first read, not where the transaction begins.
                connection.execute("SELECT 1 FROM products LIMIT 1").fetchone()
                searcher = self._index.searcher()
            yield TantivyShelf(connection, searcher, self._queries, self._categories)


class TantivyShelf:
    """The Shelf port over one searcher and one read transaction."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        searcher: Any,
        queries: QueryBuilder,
        categories: Categories,
    ) -> None:
        self._connection = connection
        self._categories = categories
        self._searcher = searcher
        self._queries = queries
        self._counted = dict[Wanted, int]()

    def count(self, wanted: Wanted) -> int:
        """See Shelf."""
        if wanted not in self._counted:
            self._counted[wanted] = int(self._searcher.search(self._queries.wanted(wanted), 1).count)
        return self._counted[wanted]

    def ranked(self, wanted: Wanted, limit: int) -> list[Candidate]:
        """See Shelf."""
        hits = self._searcher.search(self._queries.wanted(wanted), limit, count=False).hits
        numbers = self._numbers("document", hits)
        ids = self._ids(numbers)
        rows = zip(numbers, self._numbers("text_key", hits), (score for score, _ in hits), strict=True)
        # A reader before the first commit of a rebuilt view may lack a name; such a product is not shown.
        return [Candidate(n, ids[n], text_key, score) for n, text_key, score in rows if n in ids]

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
        if not names:
            return {}
        query = self._queries.wanted(wanted)
        told = self._searcher.aggregate(query, {**{name: _terms(name, limit) for name in names}, **_TOTAL})
        self._counted[wanted] = int(told["total"]["value"])
        return {name: self._facet(name, told[name]["buckets"], limit, query) for name in names}

    def _facet(self, name: str, buckets: Sequence[Any], limit: int, query: Any) -> list[tuple[str, int]]:
        counts = self._counts(name, buckets, query)
        if len(buckets) == limit + BEYOND and sorted(counts.values())[-limit] == min(counts.values()):
            # What was left out ties with the last that is told: it may come first by its name.
            everything = self._searcher.aggregate(query, {name: _terms(name, EVERY_BUCKET)})
            counts = self._counts(name, everything[name]["buckets"], query)
        first = sorted(counts, key=lambda value: (-counts[value], value))[:limit]
        shown = brand_spellings(self._connection, first) if name == "brand" else {}
        return sorted(((shown.get(v, v), counts[v]) for v in first), key=lambda pair: (-pair[1], pair[0]))

    def _counts(self, name: str, buckets: Sequence[Any], query: Any) -> Mapping[str, int]:
        if name == "category":
            return self._categories.counts(self._searcher, query, buckets)
        return {bucket["key"]: int(bucket["doc_count"]) for bucket in buckets}

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

    def _numbers(self, field: str, hits: Sequence[Any]) -> list[int]:
        return list(self._searcher.fast_field_values(field, [address for _, address in hits]))

    def _ids(self, documents: Sequence[int]) -> dict[int, str]:
        rows = self._connection.execute(
            "SELECT document, id FROM products WHERE document IN (SELECT value FROM json_each(?))",
            (json.dumps(documents),),
        )
        return dict(rows)


def _terms(name: str, limit: int) -> dict[str, Any]:
    """An aggregation of a facet's values, counted exactly: each segment tells all of its own."""
    if name == "category":
        return NUMBERS
    attribute = attribute_of(name)
    field = _FACETS[name] if attribute is None else attribute_field(attribute)
    size = min(limit + BEYOND, EVERY_BUCKET)
    return {"terms": {"field": field, "size": size, "segment_size": EVERY_BUCKET}}
