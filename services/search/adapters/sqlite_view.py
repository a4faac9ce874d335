"""Search's view of the log: products and what shoppers typed in one SQLite file, words in an index beside it.

A product's document number is the log sequence of its last change: unique, and the same when the view is
built anew. Vectors stand in the same file, but they are derived: any of them can be made again.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from aisle.catalog.v1 import product_pb2
from aisle.events.v1 import event_pb2
from aisle.search.v1 import control_pb2
from google.protobuf.message import DecodeError

from services.kit import logs
from services.kit.log import CATALOG, CONTROLS, EVENTS, Record
from services.kit.reading import done_at
from services.kit.views import Database
from services.search.adapters import (
    sqlite_attributes,
    sqlite_completions,
    sqlite_controls,
    sqlite_signals,
    sqlite_trails,
    sqlite_vocabulary,
    vector_table,
)
from services.search.adapters.embedded_index import EmbeddedIndex
from services.search.adapters.sqlite_attributes import AttributeValues
from services.search.adapters.sqlite_signals import SoldProducts
from services.search.adapters.sqlite_vocabulary import Vocabulary
from services.search.adapters.words_index import WordsIndex, rows
from services.search.domain import history
from services.search.domain.product import Product, meaning, paths, price_range
from services.search.domain.text import clean, fingerprint, key, spread
from services.search.wire import product_of

TABLES: Final = (
    "products",
    "texts",
    "categories",
    *sqlite_vocabulary.TABLES,
    *sqlite_attributes.TABLES,
    *sqlite_completions.TABLES,
    *sqlite_controls.TABLES,
    *sqlite_signals.TABLES,
    *sqlite_trails.TABLES,
)
"""What the log alone decides; the rest of the file is derived from it and from a model."""

VERSION: Final = 8

SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS products (
  document INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
  brand TEXT NOT NULL, brand_key TEXT NOT NULL, currency TEXT NOT NULL, micros INTEGER,
  price_range TEXT NOT NULL, availability TEXT NOT NULL, text_key INTEGER NOT NULL, text TEXT NOT NULL,
  primary_id TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS products_by_text ON products (text_key);
CREATE INDEX IF NOT EXISTS products_by_brand ON products (brand_key, brand);
CREATE TABLE IF NOT EXISTS texts (
  document INTEGER PRIMARY KEY, title TEXT NOT NULL, brand TEXT NOT NULL, categories TEXT NOT NULL,
  description TEXT NOT NULL, properties TEXT NOT NULL, attributes TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS categories (
  path TEXT, document INTEGER, PRIMARY KEY (path, document)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS categories_by_document ON categories (document);
{vector_table.SCHEMA}
{sqlite_vocabulary.SCHEMA}
{sqlite_attributes.SCHEMA}
{sqlite_completions.SCHEMA}
{sqlite_controls.SCHEMA}
{sqlite_signals.SCHEMA}
{sqlite_trails.SCHEMA}
"""

_TEXT_CHANGED: Final = "INSERT OR REPLACE INTO changed_texts VALUES (?, ?)"
_logger = logs.get(__name__)


class SearchDatabase(Database):
    """The view's file and the index of its words, which change together."""

    def __init__(self, path: Path, index: Callable[[Path], WordsIndex]) -> None:
        """`index` is given the folder that the words may be kept in."""
        super().__init__(path, SCHEMA, VERSION)
        self.index = index(path.parent / "words")
        with self.read() as connection:
            self.index.mend(connection)

    @contextmanager
    def batch(self, records: Sequence[Record]) -> Iterator[sqlite3.Connection]:
        """See Database. The index commits first: to replay what the file lost changes nothing in it."""
        with ExitStack() as held:
            try:
                with super().batch(records) as connection:
                    yield connection
                    self.index.commit()
                    held.enter_context(self.index.swap)
            except BaseException:
                self.index.rollback()
                raise
            self.index.reload()

    def clear(self) -> None:
        """See Database."""
        super().clear()
        if hasattr(self, "index"):
            self.index.clear()

    def close(self) -> None:
        """See Database."""
        self.index.close()
        super().close()


def open_database(home: Path, index: Callable[[Path], WordsIndex] = EmbeddedIndex) -> SearchDatabase:
    """The view under the home folder."""
    return SearchDatabase(home / "search" / "view.db", index)


class SearchView:
    """Applies the log's records to the file; one thread at a time."""

    streams: Sequence[str] = (CATALOG, EVENTS, CONTROLS)

    def __init__(self, database: SearchDatabase) -> None:
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
            counts = _Counts(Vocabulary(connection), AttributeValues(connection))
            sold = SoldProducts(connection)
            gone, come = list[int](), list[int]()
            for record in records:
                try:
                    if record.stream == CATALOG:
                        change = product_pb2.ProductChange.FromString(record.payload)
                        gone += _change(connection, counts, record.sequence, change)
                        come.append(record.sequence)
                    elif record.stream == CONTROLS:
                        decision = control_pb2.ControlChange.FromString(record.payload)
                        sqlite_controls.change(connection, decision)
                    else:
                        event = event_pb2.Event.FromString(record.payload)
                        time = done_at(event, record)
                        _event(connection, record.sequence, event)
                        sqlite_trails.take(connection, event, time)
                        sold.take(event, time)
                except DecodeError:
                    self.unreadable += 1
                    _logger.error("view.unreadable", stream=record.stream, sequence=record.sequence)
            counts.vocabulary.write()
            counts.attributes.write()
            sold.write()
            self._database.index.replace(gone, rows(connection, come))


class _Counts(NamedTuple):
    """What a batch changes of the catalogue's words and values."""

    vocabulary: Vocabulary
    attributes: AttributeValues


def _change(
    connection: sqlite3.Connection,
    counts: _Counts,
    document: int,
    change: product_pb2.ProductChange,
) -> list[int]:
    """Makes the change; the document that it took out, if there was one."""
    if change.WhichOneof("change") == "upsert":
        product = product_of(change.upsert)
        gone = _remove(connection, counts, document, product.id)
        _add(connection, counts, document, product)
        return gone
    return _remove(connection, counts, document, change.delete_id)


def _add(connection: sqlite3.Connection, counts: _Counts, document: int, product: Product) -> None:
    categories = paths(product.categories)
    text = meaning(product)
    brand = clean(product.brand)
    connection.execute(
        "INSERT INTO products VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            product.primary_id,
        ),
    )
    fields = (product.title, brand, " ".join(categories), product.description, product.properties)
    spaced = tuple(map(spread, fields))
    connection.execute(
        "INSERT INTO texts VALUES (?, ?, ?, ?, ?, ?, ?)",
        (document, *spaced, sqlite_attributes.packed(product.attributes)),
    )
    connection.execute(_TEXT_CHANGED, (fingerprint(text), document))
    counts.vocabulary.add(product.id, product.gtin, spaced)
    counts.attributes.add(product.attributes)
    sqlite_signals.add_product(connection, document, product)
    connection.executemany("INSERT INTO categories VALUES (?, ?)", [(path, document) for path in categories])
    sqlite_completions.add_terms(connection, product.title, brand, categories)


def _remove(connection: sqlite3.Connection, counts: _Counts, sequence: int, product_id: str) -> list[int]:
    row = connection.execute(
        "SELECT document, title, brand, text_key FROM products WHERE id = ?", (product_id,)
    ).fetchone()
    if row is None:
        return []
    document, title, brand, text_key = row
    connection.execute(_TEXT_CHANGED, (text_key, sequence))
    of = connection.execute("SELECT path FROM categories WHERE document = ?", (document,)).fetchall()
    *spaced, attributes = connection.execute(
        "SELECT title, brand, categories, description, properties, attributes FROM texts WHERE document = ?",
        (document,),
    ).fetchone()
    counts.vocabulary.remove(product_id, spaced)
    counts.attributes.remove(sqlite_attributes.unpacked(attributes))
    sqlite_completions.remove_terms(connection, title, brand, (path for (path,) in of))
    for table in ("products", "texts", "categories", "signals"):
        connection.execute(f"DELETE FROM {table} WHERE document = ?", (document,))
    return [document]


def _event(connection: sqlite3.Connection, sequence: int, event: event_pb2.Event) -> None:
    if event.type != event_pb2.EVENT_TYPE_PRODUCTS_SEARCHED:
        return
    if query := history.kept(event.search_query):
        sqlite_completions.add_query(connection, sequence, query, event.visitor_id, event.user_id)
