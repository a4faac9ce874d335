"""Reads of a catalogue in Milvus: it finds and counts; names, orders and facets come from the view's file.

Milvus has no snapshot over several requests: a product that changes while a search runs may be counted in one
part of the answer and not in another.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from services.search.adapters.milvus_query import Query, saying
from services.search.adapters.milvus_terms import terms
from services.search.adapters.milvus_words import MilvusWords
from services.search.adapters.sqlite_view import SearchDatabase
from services.search.adapters.view_reads import attribute_counts, brand_spellings, title_words
from services.search.domain.attributes import attribute_of
from services.search.domain.ports import Candidate, Place, Wanted, Word
from services.search.domain.request import Order

MOST_ROWS: Final = 16_384
"""Rows that Milvus tells at once: an order of relevance ends there."""

_SHOWN: Final = ("document", "id", "text_key")
_ORDERS: Final = {
    Order.RELEVANCE: "id",
    Order.PRICE_ASCENDING: "micros IS NULL, currency, micros, id",
    Order.PRICE_DESCENDING: "micros IS NULL, currency, micros DESC, id",
}
_DEARER: Final = ":micros IS NOT NULL AND (currency, micros, id) > (:currency, :micros, :product_id)"
_CHEAPER: Final = ":micros IS NOT NULL AND (currency, -micros, id) > (:currency, -:micros, :product_id)"
_PRICELESS: Final = "(micros IS NULL AND (:micros IS NOT NULL OR id > :product_id))"
_BEYOND: Final = {
    Order.RELEVANCE: "AND id > :product_id",
    Order.PRICE_ASCENDING: f"AND ({_PRICELESS} OR {_DEARER})",
    Order.PRICE_DESCENDING: f"AND ({_PRICELESS} OR {_CHEAPER})",
}
_AMONG: Final = "AND document IN (SELECT value FROM json_each(:documents))"
_FACETS: Final = {
    "category": ("path", "categories"),
    "brand": ("brand_key", "products"),
    "price": ("price_range", "products"),
    "availability": ("availability", "products"),
}


class MilvusCatalogue:
    """The Catalogue port over the view's file and a collection of Milvus."""

    def __init__(self, database: SearchDatabase, words: MilvusWords) -> None:
        self._database = database
        self._words = words

    @contextmanager
    def look(self) -> Iterator["MilvusShelf"]:
        """See Catalogue."""
        with self._database.read() as connection:
            yield MilvusShelf(connection, self._words)


class MilvusShelf:
    """The Shelf port over a collection and one read transaction."""

    def __init__(self, connection: sqlite3.Connection, words: MilvusWords) -> None:
        self._connection = connection
        self._words = words
        self._counted = dict[str, int]()

    def count(self, wanted: Wanted) -> int:
        """See Shelf. A look counts nothing twice: each count is a request."""
        expression = Query(wanted, self).filter
        if expression not in self._counted:
            self._counted[expression] = self._words.count(expression)
        return self._counted[expression]

    def ranked(self, wanted: Wanted, limit: int) -> list[Candidate]:
        """See Shelf."""
        limit = min(limit, MOST_ROWS)
        query = Query(wanted, self)
        found = self._scored(query, limit) if wanted.words else []
        if len(found) < limit and (wanted.texts or not wanted.words):
            known = {candidate.document for candidate in found}
            rest = self._rows(query.filter, min(limit + len(found), MOST_ROWS))
            found += [_candidate(row) for row in rest if row["document"] not in known]
        return found[:limit]

    def saying(self, words: Sequence[Word], documents: Sequence[int]) -> set[int]:
        """See Shelf."""
        if not documents:
            return set()
        return {row["document"] for row in self._rows(saying(words, documents), len(documents))}

    def title_words(self, wanted: Wanted, product_ids: Sequence[str]) -> Mapping[str, list[str]]:
        """See Shelf."""
        return title_words(self._connection, terms, wanted, product_ids)

    def listing(self, wanted: Wanted, order: Order, after: Place | None, limit: int) -> list[Place]:
        """See Shelf."""
        where, values = self._where(wanted)
        beyond = _BEYOND[order] if after else ""
        asked = {**values, **(after._asdict() if after else {}), "limit": limit}
        rows = self._connection.execute(
            f"SELECT currency, micros, id FROM products WHERE true {where} {beyond}"
            f" ORDER BY {_ORDERS[order]} LIMIT :limit",
            asked,
        )
        return list(map(Place._make, rows))

    def facets(self, names: Sequence[str], wanted: Wanted, limit: int) -> Mapping[str, list[tuple[str, int]]]:
        """See Shelf."""
        where, values = self._where(wanted) if names else ("", {})
        return {name: self._facet(name, where, values, limit) for name in names}

    def products(self, stem: str) -> int:
        """See Spellings."""
        return sum(products for known, products in self._spelled(stem[:-1]) if known == stem)

    def beginning(self, stem: str) -> Sequence[str]:
        """See Spellings."""
        return sorted({known for known, _ in self._spelled(stem) if known.startswith(stem)})

    def _facet(self, name: str, where: str, values: Mapping[str, str], limit: int) -> list[tuple[str, int]]:
        if (attribute := attribute_of(name)) is not None:
            return attribute_counts(self._connection, attribute, where, values, limit)
        value, table = _FACETS[name]
        rows = self._connection.execute(
            f"SELECT {value}, count(*) FROM {table} WHERE {value} != '' {where}"
            " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :limit",
            {**values, "limit": limit},
        )
        counts: dict[str, int] = dict(rows.fetchall())
        shown = brand_spellings(self._connection, list(counts)) if name == "brand" else {}
        return sorted(((shown.get(v, v), counts[v]) for v in counts), key=lambda pair: (-pair[1], pair[0]))

    def _scored(self, query: Query, limit: int) -> list[Candidate]:
        vector = query.vector(self._size)
        if not vector:
            return []
        hits = self._words.client.search(
            self._words.collection,
            data=[vector],
            anns_field="weights",
            filter=query.filter,
            limit=limit,
            output_fields=list(_SHOWN),
            search_params={"metric_type": "IP"},
        )[0]
        return [_candidate(hit["entity"], hit["distance"]) for hit in hits]

    def _rows(self, expression: str, limit: int) -> list[dict[str, Any]]:
        rows = self._words.client.query(
            self._words.collection, filter=expression, output_fields=list(_SHOWN), limit=limit
        )
        return list(rows)

    def _where(self, wanted: Wanted) -> tuple[str, dict[str, str]]:
        """A condition of SQL that the wanted products fulfil, and its values."""
        if wanted == Wanted():
            return "", {}
        return _AMONG, {"documents": json.dumps(self._documents(wanted))}

    def _documents(self, wanted: Wanted) -> list[int]:
        expression = Query(wanted, self).filter
        return self._words.client.every(self._words.collection, expression, "document", MOST_ROWS)

    @property
    def _size(self) -> int:
        return int(self._words.client.get_collection_stats(self._words.collection)["row_count"])

    def _spelled(self, beginning: str) -> list[tuple[str, int]]:
        """Stems of the catalogue's words that begin so, with the products of each word."""
        rows = self._connection.execute(
            "SELECT word, products FROM vocabulary WHERE word >= ? AND word < ?",
            (beginning, beginning + "\U0010ffff"),
        )
        return [(stem, products) for word, products in rows for stem in terms(word)]


def _candidate(row: Mapping[str, Any], score: float = 0.0) -> Candidate:
    return Candidate(row["document"], row["id"], row["text_key"], score)
