"""What is known of products beside their words, in the view's file; sales come from events alone."""

import json
import math
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

from aisle.events.v1 import event_pb2

from services.kit.views import Database
from services.search.domain.product import Product
from services.search.domain.signals import Known, popularity, strength_of, together

SOLD: Final = {
    event_pb2.EVENT_TYPE_ORDER_COMPLETED: 1.0,
    event_pb2.EVENT_TYPE_PRODUCT_ADDED: 0.2,
    event_pb2.EVENT_TYPE_PRODUCT_CLICKED: 0.02,
}
"""What an event of each type counts of an order in popularity, however many pieces."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS signals (
  document INTEGER PRIMARY KEY, margin REAL NOT NULL, since REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS sales (id TEXT PRIMARY KEY, strength REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sales_by_strength ON sales (strength);
"""

TABLES: Final = ("signals", "sales")

_KNOWN: Final = """
SELECT p.document, p.title, p.brand_key,
  (SELECT group_concat(path, char(10)) FROM categories AS c WHERE c.document = p.document),
  p.micros, p.availability, g.margin, g.since, s.strength
FROM products AS p JOIN signals AS g USING (document) LEFT JOIN sales AS s ON s.id = p.id
WHERE p.document IN (SELECT value FROM json_each(?))
"""


def add_product(connection: sqlite3.Connection, document: int, product: Product) -> None:
    """Keeps what the catalogue tells."""
    row = (document, product.margin, product.since)
    connection.execute("INSERT INTO signals VALUES (?, ?, ?)", row)


class SoldProducts:
    """The sales of one batch of events, written once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._strength: dict[str, float] = {}

    def take(self, event: event_pb2.Event, time: float) -> None:
        """Counts an event's products; `time` in seconds."""
        if count := SOLD.get(event.type):
            strength = strength_of(count, time)
            for product_id in {detail.product_id for detail in event.product_details}:
                self._strength[product_id] = together(self._strength.get(product_id, -math.inf), strength)

    def write(self) -> None:
        """Adds them to what is there."""
        known = "SELECT id, strength FROM sales WHERE id IN (SELECT value FROM json_each(?))"
        rows = self._connection.execute(known, (json.dumps(list(self._strength)),))
        held: dict[str, float] = dict(rows.fetchall())
        self._connection.executemany(
            "INSERT OR REPLACE INTO sales VALUES (?, ?)",
            [(id_, together(held.get(id_, -math.inf), new)) for id_, new in sorted(self._strength.items())],
        )


def strengths(connection: sqlite3.Connection, ids: Sequence[str]) -> tuple[dict[str, float], float]:
    """The sales of each of these products that sold, and of the best seller; nothing when none did."""
    most = connection.execute("SELECT max(strength) FROM sales").fetchone()[0]
    if most is None:
        return {}, -math.inf
    known = "SELECT id, strength FROM sales WHERE id IN (SELECT value FROM json_each(?))"
    return dict(connection.execute(known, (json.dumps(list(ids)),)).fetchall()), most


class SqliteSignals:
    """The Signals port over the view's file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, documents: Sequence[int], now: float, *, texts: bool = True) -> Mapping[int, Known]:
        """See Signals."""
        with self._database.read() as connection:
            rows = connection.execute(_KNOWN, (json.dumps(list(documents)),)).fetchall()
            most = connection.execute("SELECT max(strength) FROM sales").fetchone()[0]
        return {
            document: Known(
                title,
                brand,
                tuple((paths or "").split("\n")),
                micros,
                availability,
                margin,
                since,
                0.0 if strength is None else popularity(strength, most, now),
            )
            for document, title, brand, paths, micros, availability, margin, since, strength in rows
        }
