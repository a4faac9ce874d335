"""The service's view of CATALOG in SQLite: what filters need of each product, and its pictures."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from aisle.catalog.v1 import product_pb2
from google.protobuf.message import DecodeError

from services.kit import logs
from services.kit.log import CATALOG, Record
from services.kit.stock import in_stock
from services.kit.views import Database
from services.vision.adapters.generations import DERIVED, Generations, expect, forget
from services.vision.domain.product import Price, Product

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS products (
    id TEXT PRIMARY KEY, primary_id TEXT NOT NULL, categories TEXT NOT NULL, brand TEXT NOT NULL,
    currency TEXT, micros INTEGER, purchasable INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pictures (
    product_id TEXT NOT NULL, position INTEGER NOT NULL, source TEXT NOT NULL,
    PRIMARY KEY (product_id, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pictures_source ON pictures (source);
-- Each distinct picture once, however many products show it.
CREATE TABLE IF NOT EXISTS sources (key TEXT PRIMARY KEY, uri TEXT, content BLOB);
"""
VERSION: Final = 4
FROM_LOG: Final = ("products", "pictures", "sources")
"""The tables that the log alone decides."""
MAX_NAMES: Final = 500  # values in one SQL statement

_logger = logs.get("vision.view")


class CatalogView:
    """Follows CATALOG; any thread may ask."""

    streams: Sequence[str] = (CATALOG,)

    def __init__(self, path: Path) -> None:
        self.database = Database(path, SCHEMA + DERIVED, VERSION)
        self.generations = Generations(self.database)
        self.revision = 0  # grows with every batch of this process

    def position(self, stream: str) -> int:
        """See View.position."""
        return self.database.position(stream)

    def clear(self) -> None:
        """See View.clear."""
        self.database.clear()
        self.revision += 1

    def apply(self, records: Sequence[Record]) -> None:
        """See View.apply."""
        with self.database.batch(records) as connection:
            for record in records:
                _apply(connection, record)
        self.revision += 1

    def products(self, keys: Iterable[str]) -> Mapping[str, Sequence[Product]]:
        """The products that show each of these pictures."""
        found: dict[str, list[Product]] = {}
        wanted = list(keys)
        with self.database.read() as connection:
            for start in range(0, len(wanted), MAX_NAMES):
                some = wanted[start : start + MAX_NAMES]
                rows = connection.execute(
                    "SELECT DISTINCT source, products.* FROM pictures JOIN products ON id = product_id "
                    f"WHERE source IN ({', '.join('?' * len(some))})",
                    some,
                )
                for key, *columns in rows:
                    found.setdefault(key, []).append(_product(*columns))
        return found


def _apply(connection: sqlite3.Connection, record: Record) -> None:
    change = product_pb2.ProductChange()
    try:
        change.ParseFromString(record.payload)
    except DecodeError:
        _logger.warning("view.record_skipped", stream=record.stream, sequence=record.sequence)
        return
    kind = change.WhichOneof("change")
    if kind is None:
        return
    before = _remove(connection, change.upsert.id if kind == "upsert" else change.delete_id)
    if kind == "upsert":
        _insert(connection, change.upsert)
    for (key,) in before:
        shown = connection.execute("SELECT 1 FROM pictures WHERE source = ?", (key,)).fetchone()
        if shown is None:
            connection.execute("DELETE FROM sources WHERE key = ?", (key,))
            forget(connection, key)


def _remove(connection: sqlite3.Connection, product_id: str) -> list[tuple[str]]:
    """Removes a product; returns the pictures that it showed, which other products may show too."""
    connection.execute("DELETE FROM products WHERE id = ?", (product_id,))
    return connection.execute(
        "DELETE FROM pictures WHERE product_id = ? RETURNING source", (product_id,)
    ).fetchall()


def _insert(connection: sqlite3.Connection, product: product_pb2.Product) -> None:
    priced = product.HasField("price")
    connection.execute(
        "INSERT INTO products VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            product.id,
            product.primary_product_id,
            json.dumps(list(product.categories)),
            product.brand,
            product.price.currency_code if priced else None,
            product.price.amount_micros if priced else None,
            in_stock(product),
        ),
    )
    for position, image in enumerate(product.images):
        kind = image.WhichOneof("source")
        if kind is None:
            continue
        key = f"uri:{image.uri}" if kind == "uri" else hashlib.sha256(image.content).hexdigest()
        row = (key, image.uri if kind == "uri" else None, image.content if kind == "content" else None)
        if connection.execute("INSERT OR IGNORE INTO sources VALUES (?, ?, ?)", row).rowcount:
            expect(connection, key)
        connection.execute("INSERT INTO pictures VALUES (?, ?, ?)", (product.id, position, key))


def _product(
    product_id: str,
    primary_id: str,
    categories: str,
    brand: str,
    currency: str | None,
    micros: int | None,
    purchasable: int,
) -> Product:
    price = Price(currency, micros) if currency is not None and micros is not None else None
    paths = tuple(json.loads(categories))
    return Product(product_id, paths, brand, price, bool(purchasable), primary_id or product_id)
