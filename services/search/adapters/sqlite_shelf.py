"""Reads of the view's file: words by FTS5, filters, facets and completions by SQL."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from services.kit.views import Database
from services.search.domain.history import SHOPPERS
from services.search.domain.ports import Candidate, Suggestion, Word
from services.search.domain.product import OUT_OF_STOCK
from services.search.domain.query.negation import says_without
from services.search.domain.request import Filter, Order

FIELD_WEIGHTS: Final = (4.0, 2.0, 2.0, 1.0, 0.5)
"""BM25's weight of title, brand, categories, description, properties."""

_ORDERS: Final = {
    Order.RELEVANCE: "id",
    Order.PRICE_ASCENDING: "micros IS NULL, currency, micros, id",
    Order.PRICE_DESCENDING: "micros IS NULL, currency, micros DESC, id",
}
_FACETS: Final = {
    "category": ("categories", "path", "path"),
    # Spellings of one brand count together, under the first of them.
    "brand": ("products", "min(brand)", "brand_key"),
    "price": ("products", "price_range", "price_range"),
    "availability": ("products", "availability", "availability"),
}
"""Of each facet its table, the value shown, and what is counted together."""

_COLUMNS: Final = "document, id, text_key, currency, micros"
_LAST: Final = "\U0010ffff"


class SqliteCatalogue:
    """The Catalogue port over the view's file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def look(self) -> Iterator["SqliteShelf"]:
        """See Catalogue."""
        with self._database.read() as connection:
            yield SqliteShelf(connection)


class SqliteShelf:
    """The Shelf port over one read transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def count_words(self, words: Sequence[Word], *, every: bool, prefix: bool = False) -> int:
        """See Shelf."""
        return self._number("SELECT count(*) FROM words WHERE words MATCH ?", (_match(words, every, prefix),))

    def by_words(
        self, words: Sequence[Word], filter_: Filter, *, every: bool, prefix: bool = False
    ) -> list[Candidate]:
        """See Shelf."""
        where, values = _where(filter_)
        weights = ", ".join(map(str, FIELD_WEIGHTS))
        rows = self._connection.execute(
            f"SELECT {_COLUMNS}, -bm25(words, {weights}) FROM words JOIN products ON document = words.rowid"
            f" WHERE words MATCH ? AND {where}",
            (_match(words, every, prefix), *values),
        )
        return list(map(Candidate._make, rows))

    def saying(self, words: Sequence[str], documents: Sequence[int]) -> set[int]:
        """See Shelf."""
        rows = self._connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ? AND rowid IN (SELECT value FROM json_each(?))",
            (f'description : "{" ".join(words)}"', json.dumps(list(documents))),
        )
        return {document for (document,) in rows}

    def by_texts(self, keys: Sequence[int], filter_: Filter) -> list[Candidate]:
        """See Shelf."""
        where, values = _where(filter_)
        rows = self._connection.execute(
            f"SELECT {_COLUMNS}, 0.0 FROM products"
            f" WHERE text_key IN (SELECT value FROM json_each(?)) AND {where}",
            (json.dumps(list(keys)), *values),
        )
        return list(map(Candidate._make, rows))

    def count(self, filter_: Filter) -> int:
        """See Shelf."""
        where, values = _where(filter_)
        return self._number(f"SELECT count(*) FROM products WHERE {where}", values)

    def listing(self, filter_: Filter, order: Order, offset: int, limit: int) -> list[str]:
        """See Shelf."""
        where, values = _where(filter_)
        rows = self._connection.execute(
            f"SELECT id FROM products WHERE {where} ORDER BY {_ORDERS[order]} LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        return [product_id for (product_id,) in rows]

    def facet(
        self, name: str, filter_: Filter, documents: Sequence[int] | None, limit: int
    ) -> list[tuple[str, int]]:
        """See Shelf."""
        where, values = _where(filter_)
        if documents is not None:
            where, values = "document IN (SELECT value FROM json_each(?))", [json.dumps(list(documents))]
        elif filter_ != Filter():
            where = f"document IN (SELECT document FROM products WHERE {where})"
        table, value, group = _FACETS[name]
        rows = self._connection.execute(
            f"SELECT {value}, count(*) FROM {table} WHERE {group} > '' AND {where}"
            f" GROUP BY {group} ORDER BY 2 DESC, 1 LIMIT ?",
            (*values, limit),
        )
        return [(value, count) for value, count in rows]

    def suggestions(self, prefix: str, limit: int) -> list[Suggestion]:
        """See Shelf."""
        between = (prefix, prefix + _LAST)
        queries = self._connection.execute(
            "SELECT key FROM queries WHERE key >= ? AND key < ? AND visitors >= ? AND users >= ?"
            " ORDER BY uses DESC, key LIMIT ?",
            (*between, SHOPPERS, SHOPPERS, limit),
        )
        found = [Suggestion(text, "query") for (text,) in queries]
        # A category or a brand says more than one title; limits count spellings, hence the room to spare.
        terms = self._connection.execute(
            "SELECT text, source FROM terms WHERE key >= ? AND key < ?"
            " ORDER BY source = 'product', products DESC, key, source, text LIMIT ?",
            (*between, 2 * limit),
        )
        return found + list(map(Suggestion._make, terms))

    def _number(self, sql: str, values: Sequence[object]) -> int:
        return int(self._connection.execute(sql, values).fetchone()[0])


def _match(words: Sequence[Word], every: bool, prefix: bool) -> str:
    """The FTS5 expression; each word or phrase is quoted, so that nothing typed is syntax."""
    quoted = [[f'"{alternative}"' for alternative in word] for word in words]
    if prefix:
        quoted[-1][0] += " *"
    return (" AND " if every else " OR ").join(f"({' OR '.join(word)})" for word in quoted)


def _matches_without(word: str) -> str:
    """The FTS5 expression of what has the word and does not say that it is without it."""
    free = " OR ".join(f'"{phrase}"' for phrase in says_without(word))
    return f'"{word}" NOT ({free})'


def _where(filter_: Filter) -> tuple[str, list[object]]:
    """The filter as a condition on products, with its values."""
    conditions, values = ["TRUE"], list[object]()
    if filter_.categories:
        marks = ", ".join("?" * len(filter_.categories))
        conditions.append(f"document IN (SELECT document FROM categories WHERE path IN ({marks}))")
        values += filter_.categories
    if filter_.brands:
        conditions.append(f"brand_key IN ({', '.join('?' * len(filter_.brands))})")
        values += filter_.brands
    if filter_.currency:
        conditions.append("currency = ? AND micros IS NOT NULL")
        values.append(filter_.currency)
    if filter_.minimum is not None:
        conditions.append("micros >= ?")
        values.append(filter_.minimum)
    if filter_.maximum is not None:
        conditions.append("micros <= ?")
        values.append(filter_.maximum)
    if filter_.in_stock_only:
        conditions.append("availability <> ?")
        values.append(OUT_OF_STOCK)
    for word in filter_.without:
        conditions.append("document NOT IN (SELECT rowid FROM words WHERE words MATCH ?)")
        values.append(_matches_without(word))
    return " AND ".join(conditions), values
