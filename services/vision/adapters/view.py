"""The service's view of CATALOG in SQLite: what filters need of each product, and its pictures."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from aisle.catalog.v1 import product_pb2
from google.protobuf.message import DecodeError

from services.kit import logs
from services.kit.log import CATALOG, Record
from services.kit.stock import in_stock
from services.kit.views import Database
from services.vision.domain.image import THUMBNAIL_SIDE
from services.vision.domain.product import Price, Product
from services.vision.domain.seen import Vector

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
-- Derived from sources by the model; can be made again.
CREATE TABLE IF NOT EXISTS vectors (
    source TEXT NOT NULL, model TEXT NOT NULL, vector BLOB NOT NULL, thumbnail BLOB NOT NULL,
    PRIMARY KEY (source, model)
) WITHOUT ROWID;
-- Pictures that the model is still to see, so that what is new is found without looking at what is old.
CREATE TABLE IF NOT EXISTS unseen (key TEXT PRIMARY KEY) WITHOUT ROWID;
"""
VERSION: Final = 3
FROM_LOG: Final = ("products", "pictures", "sources")
"""The tables that the log alone decides."""
MAX_NAMES: Final = 500  # values in one SQL statement

_logger = logs.get("vision.view")


@dataclass(frozen=True, slots=True)
class Source:
    """A distinct picture: its bytes, or where they are."""

    key: str
    uri: str | None
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Looked:
    """What is kept of a picture: the model's embedding, and the bytes of a thumbnail."""

    vector: Vector
    thumbnail: bytes


class CatalogView:
    """Follows CATALOG; any thread may ask."""

    streams: Sequence[str] = (CATALOG,)

    def __init__(self, path: Path) -> None:
        self.database = Database(path, SCHEMA, VERSION)
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

    def begin(self, model: str) -> None:
        """Makes the list of what the model is still to see; what it was refused before is on it again."""
        with self.database.write() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO unseen SELECT key FROM sources WHERE NOT EXISTS "
                "(SELECT 1 FROM vectors WHERE source = key AND model = ?)",
                (model,),
            )

    def unseen(self, after: str, count: int) -> list[Source]:
        """Pictures that the model is still to see, in the order of their keys, from the one after `after`."""
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT sources.* FROM unseen JOIN sources USING (key) WHERE key > ? ORDER BY key LIMIT ?",
                (after, count),
            )
            return [Source(*row) for row in rows]

    def keep(self, model: str, seen: Mapping[str, Looked]) -> None:
        """Keeps what the model saw in pictures; one that is gone meanwhile is passed over."""
        rows = [
            (model, one.vector.astype(np.float32).tobytes(), one.thumbnail, key) for key, one in seen.items()
        ]
        with self.database.write() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO vectors SELECT key, ?, ?, ? FROM sources WHERE key = ?", rows
            )
            connection.executemany("DELETE FROM unseen WHERE key = ?", [(key,) for key in seen])

    def refuse(self, key: str) -> None:
        """Takes a picture that cannot be read off the list of what is to be seen."""
        with self.database.write() as connection:
            connection.execute("DELETE FROM unseen WHERE key = ?", (key,))

    def forget_other_models(self, model: str) -> None:
        """Drops what models before this one saw."""
        with self.database.write() as connection:
            connection.execute("DELETE FROM vectors WHERE model <> ?", (model,))

    def counts(self, model: str) -> tuple[int, int]:
        """How many pictures the model has seen, and how many it is still to see."""
        with self.database.read() as connection:
            (seen,) = connection.execute("SELECT COUNT(*) FROM vectors WHERE model = ?", (model,)).fetchone()
            (unseen,) = connection.execute("SELECT COUNT(*) FROM unseen").fetchone()
        return seen, unseen

    def seen_keys(self, model: str) -> set[str]:
        """The pictures that the model has seen."""
        with self.database.read() as connection:
            return {
                key for (key,) in connection.execute("SELECT source FROM vectors WHERE model = ?", (model,))
            }

    def vectors(self, model: str, keys: Iterable[str]) -> list[tuple[str, Vector]]:
        """What the model saw in these pictures."""
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT source, vector FROM vectors WHERE model = ? "
                "AND source IN (SELECT value FROM json_each(?))",
                (model, json.dumps(list(keys))),
            )
            return [(key, np.frombuffer(vector, np.float32)) for key, vector in rows]

    def thumbnails(self, keys: Sequence[str]) -> npt.NDArray[np.float32]:
        """See similar.Thumbnails."""
        found = np.full((len(keys), 3 * THUMBNAIL_SIDE**2), np.nan, np.float32)
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT source, thumbnail FROM vectors WHERE source IN (SELECT value FROM json_each(?))",
                (json.dumps(list(keys)),),
            )
            kept = {key: np.frombuffer(small, np.uint8) for key, small in rows}
        for row, key in zip(found, keys, strict=True):
            if key in kept:
                row[:] = kept[key]
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
            connection.execute("DELETE FROM vectors WHERE source = ?", (key,))
            connection.execute("DELETE FROM unseen WHERE key = ?", (key,))


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
            connection.execute("INSERT OR IGNORE INTO unseen VALUES (?)", (key,))
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
