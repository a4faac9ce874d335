"""Search's view of the log in one SQLite file: products, their words, and what shoppers typed.

A product's document number is the log sequence of its last change: unique, and the same when the view is
built anew. Vectors stand in the same file, but they are derived: any of them can be made again.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from aisle.catalog.v1 import product_pb2
from aisle.events.v1 import event_pb2
from aisle.search.v1 import control_pb2
from google.protobuf.message import DecodeError

from services.kit import logs
from services.kit.log import CATALOG, CONTROLS, EVENTS, Record
from services.kit.views import Database
from services.search.adapters import sqlite_controls, sqlite_vocabulary
from services.search.adapters.sqlite_vocabulary import Vocabulary
from services.search.domain import history
from services.search.domain.product import LEVEL, Product, meaning, paths, price_range
from services.search.domain.text import clean, fingerprint, key, spread
from services.search.wire import product_of

TABLES: Final = (
    "products",
    "words",
    "categories",
    "terms",
    "queries",
    "searchers",
    *sqlite_vocabulary.TABLES,
    *sqlite_controls.TABLES,
)
"""What the log alone decides; the rest of the file is derived from it and from a model."""

VERSION: Final = 2

SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS products (
  document INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
  brand TEXT NOT NULL, brand_key TEXT NOT NULL, currency TEXT NOT NULL, micros INTEGER,
  price_range TEXT NOT NULL, availability TEXT NOT NULL, text_key INTEGER NOT NULL, text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS products_by_text ON products (text_key);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
  title, brand, categories, description, properties, tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TABLE IF NOT EXISTS categories (
  path TEXT, document INTEGER, PRIMARY KEY (path, document)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS categories_by_document ON categories (document);
CREATE TABLE IF NOT EXISTS terms (
  key TEXT, source TEXT, text TEXT, products INTEGER NOT NULL, PRIMARY KEY (key, source, text)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queries (
  key TEXT PRIMARY KEY, uses INTEGER NOT NULL, visitors INTEGER NOT NULL, users INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS searchers (
  key TEXT, kind TEXT, who BLOB, PRIMARY KEY (key, kind, who)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vectors (
  model TEXT, text_key INTEGER, vector BLOB NOT NULL, PRIMARY KEY (model, text_key)
) WITHOUT ROWID;
{sqlite_vocabulary.SCHEMA}
{sqlite_controls.SCHEMA}
"""

_logger = logs.get(__name__)


def open_database(home: Path) -> Database:
    """The view's file under the home folder."""
    return Database(home / "search" / "view.db", SCHEMA, VERSION)


class SearchView:
    """Applies the log's records to the file; one thread at a time."""

    streams: Sequence[str] = (CATALOG, EVENTS, CONTROLS)

    def __init__(self, database: Database) -> None:
        self._database = database
        self.unreadable = 0

    def position(self, stream: str) -> int:
        """See View."""
        return self._database.position(stream)

    def clear(self) -> None:
        """See View."""
        self._database.clear()

    def apply(self, records: Sequence[Record]) -> None:
        """See View. A record that cannot be read is logged, counted and skipped."""
        with self._database.batch(records) as connection:
            vocabulary = Vocabulary(connection)
            for record in records:
                try:
                    if record.stream == CATALOG:
                        change = product_pb2.ProductChange.FromString(record.payload)
                        _change(connection, vocabulary, record.sequence, change)
                    elif record.stream == CONTROLS:
                        decision = control_pb2.ControlChange.FromString(record.payload)
                        sqlite_controls.change(connection, decision)
                    else:
                        _event(connection, event_pb2.Event.FromString(record.payload))
                except DecodeError:
                    self.unreadable += 1
                    _logger.error("view.unreadable", stream=record.stream, sequence=record.sequence)
            vocabulary.write()


def _change(
    connection: sqlite3.Connection,
    vocabulary: Vocabulary,
    document: int,
    change: product_pb2.ProductChange,
) -> None:
    if change.WhichOneof("change") == "upsert":
        product = product_of(change.upsert)
        _remove(connection, vocabulary, product.id)
        _add(connection, vocabulary, document, product)
    else:
        _remove(connection, vocabulary, change.delete_id)


def _add(connection: sqlite3.Connection, vocabulary: Vocabulary, document: int, product: Product) -> None:
    categories = paths(product.categories)
    text = meaning(product)
    brand = clean(product.brand)
    connection.execute(
        "INSERT INTO products VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            document,
            product.id,
            clean(product.title),
            brand,
            key(brand),
            product.currency,
            product.micros,
            price_range(product.currency, product.micros),
            product.availability,
            fingerprint(text),
            text,
        ),
    )
    fields = (product.title, brand, " ".join(categories), product.description, product.properties)
    spaced = tuple(map(spread, fields))
    connection.execute(
        "INSERT INTO words (rowid, title, brand, categories, description, properties)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (document, *spaced),
    )
    vocabulary.add(product.id, product.gtin, spaced)
    connection.executemany("INSERT INTO categories VALUES (?, ?)", [(path, document) for path in categories])
    connection.executemany(
        "INSERT INTO terms VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET products = products + excluded.products",
        [(*term, count) for term, count in _terms(product.title, brand, categories).items()],
    )


def _remove(connection: sqlite3.Connection, vocabulary: Vocabulary, product_id: str) -> None:
    row = connection.execute(
        "SELECT document, title, brand FROM products WHERE id = ?", (product_id,)
    ).fetchone()
    if row is None:
        return
    document, title, brand = row
    of = connection.execute("SELECT path FROM categories WHERE document = ?", (document,)).fetchall()
    spaced = connection.execute("SELECT * FROM words WHERE rowid = ?", (document,)).fetchone()
    vocabulary.remove(product_id, spaced)
    terms = list(_terms(title, brand, (path for (path,) in of)).items())
    where = "WHERE key = ? AND source = ? AND text = ?"
    connection.executemany(
        f"UPDATE terms SET products = products - ? {where}", [(count, *term) for term, count in terms]
    )
    connection.executemany(f"DELETE FROM terms {where} AND products <= 0", [term for term, _ in terms])
    for table, column in (
        ("products", "document"),
        ("words", "rowid"),
        ("categories", "document"),
    ):
        connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (document,))


def _terms(title: str, brand: str, categories: Iterable[str]) -> Counter[tuple[str, str, str]]:
    """What a product adds to the completions: (key, source, text), each level of its categories once."""
    levels = sorted({path.rsplit(LEVEL, 1)[-1] for path in categories})
    named = [("product", clean(title)), ("brand", brand), *(("category", level) for level in levels)]
    return Counter((key(text), source, text) for source, text in named if text)


def _event(connection: sqlite3.Connection, event: event_pb2.Event) -> None:
    if event.type != event_pb2.EVENT_TYPE_PRODUCTS_SEARCHED:
        return
    query = history.kept(event.search_query)
    if not query:
        return
    connection.execute(
        "INSERT INTO queries VALUES (?, 1, 0, 0) ON CONFLICT DO UPDATE SET uses = uses + 1", (query,)
    )
    for kind, who in history.searchers(event.visitor_id, event.user_id):
        new = connection.execute("INSERT OR IGNORE INTO searchers VALUES (?, ?, ?)", (query, kind, who))
        if new.rowcount:
            column = f"{kind}s"
            connection.execute(f"UPDATE queries SET {column} = {column} + 1 WHERE key = ?", (query,))
