"""The view of the log in SQLite: what the products are, what each shopper did, what everybody buys.

Tastes stay on disk and are read one shopper at a time, so that memory does not grow with shoppers; products
and popularity are held in memory too, in the domain's columns. Shoppers and items are numbered in the order
in which EVENTS first names them, so that a view rebuilt from the log is the same.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError

from services.kit import logs
from services.kit.log import CATALOG, EVENTS, Record
from services.kit.views import Database
from services.recsys.adapters.messages import change_of, signal_of
from services.recsys.domain import decay
from services.recsys.domain.catalogue import Catalogue, Product
from services.recsys.domain.neighbours import Neighbours
from services.recsys.domain.popularity import Popularity
from services.recsys.domain.shop import Links, Shop
from services.recsys.domain.signals import Kind, Signal
from services.recsys.domain.taste import MAX_ITEMS, Taste, empty

VERSION = 1
"""Raise it when SCHEMA or what is stored changes: the view is then built anew from the log."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS products (
    product_id TEXT PRIMARY KEY, title TEXT NOT NULL, brand TEXT NOT NULL, categories TEXT NOT NULL,
    currency TEXT NOT NULL, price INTEGER NOT NULL, in_stock INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS items (item INTEGER PRIMARY KEY, product_id TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS shoppers (shopper INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS popularity (item INTEGER PRIMARY KEY, weight REAL NOT NULL);
CREATE TABLE IF NOT EXISTS taste (
    shopper INTEGER NOT NULL, item INTEGER NOT NULL, pieces INTEGER NOT NULL, times INTEGER NOT NULL,
    bought REAL NOT NULL, looked REAL NOT NULL, last REAL NOT NULL, PRIMARY KEY (shopper, item)
) WITHOUT ROWID;
"""

_ADD = {
    # A refund may come before its order: pieces are then below 0 until the order comes.
    Kind.PURCHASE: """
INSERT INTO taste VALUES (:shopper, :item, :pieces, 1, :weight, 0, :time) ON CONFLICT DO UPDATE SET
    times = times + (pieces + :pieces > 0), bought = bought + (pieces + :pieces > 0) * :weight,
    pieces = pieces + :pieces, last = max(last, :time)""",
    Kind.REFUND: """
INSERT INTO taste VALUES (:shopper, :item, -:pieces, 0, 0, 0, :time) ON CONFLICT DO UPDATE SET
    times = CASE WHEN pieces > :pieces THEN times ELSE 0 END,
    bought = CASE WHEN pieces > :pieces THEN bought * (pieces - :pieces) / pieces ELSE 0 END,
    pieces = CASE WHEN pieces > 0 THEN max(0, pieces - :pieces) ELSE pieces - :pieces END,
    last = max(last, :time)""",
    Kind.INTEREST: """
INSERT INTO taste VALUES (:shopper, :item, 0, 0, 0, max(0, :weight), :time) ON CONFLICT DO UPDATE SET
    looked = max(0, looked + :weight), last = max(last, :time)""",
}
_ADD_POPULARITY = """
INSERT INTO popularity VALUES (?, ?) ON CONFLICT DO UPDATE SET weight = weight + excluded.weight"""
_TASTE = f"""
SELECT item, pieces, times, bought, looked, last FROM taste
WHERE shopper = ? ORDER BY last DESC LIMIT {MAX_ITEMS}"""

_POPULARITY_SIGN = {Kind.PURCHASE: 1.0, Kind.REFUND: -1.0, Kind.INTEREST: 0.0}
_KNOWN_SHOPPERS = 10_000

_logger = logs.get(__name__)


class RecsysView:
    """A kit View that follows both streams, and the domain's Knowledge."""

    streams: Sequence[str] = (CATALOG, EVENTS)

    def __init__(
        self, path: Path, refresh_seconds: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.database = Database(path, SCHEMA, VERSION)
        self.unreadable = 0
        self._refresh, self._clock = refresh_seconds, clock
        self._lock = threading.RLock()
        self._load()

    def _load(self) -> None:
        with self._lock, self.database.read() as connection:
            self._catalogue, self._popularity = Catalogue(), Popularity()
            self._links: Links | None = None
            for product_id, title, brand, categories, currency, price, in_stock in connection.execute(
                "SELECT * FROM products ORDER BY product_id"
            ):
                paths = tuple(json.loads(categories))
                self._catalogue.upsert(
                    Product(product_id, title, brand, paths, currency, price, bool(in_stock))
                )
            self._items = {
                product_id: item
                for item, product_id in connection.execute("SELECT * FROM items ORDER BY item")
            }
            self._row_of_item = [self._catalogue.row(product_id) for product_id in self._items]
            self._shoppers: dict[str, int] = {}
            weights = connection.execute("SELECT item, weight FROM popularity").fetchall()
            rows = [self._row_of_item[item - 1] for item, _ in weights]
            self._popularity.set(np.array(rows, np.int64), np.array([weight for _, weight in weights]))

    def position(self, stream: str) -> int:
        """See kit's View."""
        return self.database.position(stream)

    def clear(self) -> None:
        """See kit's View. The model that serves goes on serving."""
        with self._lock:
            links = self._links
            self.database.clear()
            self._load()
            if links is not None:
                self.use(links.model, links.version)

    def close(self) -> None:
        """Closes the file."""
        self.database.close()

    def apply(self, records: Sequence[Record]) -> None:
        """See kit's View."""
        if records and records[0].stream == CATALOG:
            self._apply_changes(records)
        elif records:
            self._apply_signals(records)

    def _apply_changes(self, records: Sequence[Record]) -> None:
        changes: dict[str, Product | None] = {}
        for record in records:
            try:
                product_id, product = change_of(record)
                changes[product_id] = product
            except (DecodeError, ValueError) as error:
                self._skip(record, error)
        with self.database.batch(records) as connection:
            connection.executemany(
                "DELETE FROM products WHERE product_id = ?", [(product_id,) for product_id in changes]
            )
            connection.executemany(
                "INSERT INTO products VALUES (?, ?, ?, ?, ?, ?, ?)",
                [_columns(product) for product in changes.values() if product],
            )
        with self._lock:
            for product_id, product in changes.items():
                if product:
                    self._catalogue.upsert(product)
                else:
                    self._catalogue.delete(product_id)

    def _apply_signals(self, records: Sequence[Record]) -> None:
        signals: list[Signal] = []
        for record in records:
            try:
                signal = signal_of(record)
            except (DecodeError, ValueError) as error:
                self._skip(record, error)
            else:
                signals += [signal] if signal else []
        with self.database.batch(records) as connection:
            shoppers = self._number_shoppers(connection, signals)
            new = self._new_items(connection, signals)
            items = self._items | new if new else self._items
            for kind, run in groupby(signals, lambda signal: signal.kind):
                rows = [row for signal in run for row in _rows(signal, shoppers[signal.shopper], items)]
                connection.executemany(_ADD[kind], rows)
            counts = _popularity(signals, items)
            connection.executemany(_ADD_POPULARITY, counts)
        with self._lock:
            self._items.update(new)
            self._row_of_item += [self._catalogue.row(product_id) for product_id in new]
            rows_of = np.array([self._row_of_item[item - 1] for item, _ in counts], np.int64)
            self._popularity.add(rows_of, np.array([weight for _, weight in counts]))

    def _number_shoppers(self, connection: sqlite3.Connection, signals: Sequence[Signal]) -> dict[str, int]:
        """The numbers of all shoppers of a batch, new ones for new names."""
        if len(self._shoppers) > _KNOWN_SHOPPERS:
            self._shoppers.clear()
        found = {}
        for name in dict.fromkeys(signal.shopper for signal in signals):
            number = self._shoppers.get(name)
            if number is None:
                connection.execute("INSERT OR IGNORE INTO shoppers (name) VALUES (?)", (name,))
                number = _shopper(connection, name)
                assert number is not None
            found[name] = number
        return found

    def _new_items(self, connection: sqlite3.Connection, signals: Sequence[Signal]) -> dict[str, int]:
        """Numbers for products that no event named before."""
        named = dict.fromkeys(product_id for signal in signals for product_id, _ in signal.items)
        unknown = [product_id for product_id in named if product_id not in self._items]
        new = {product_id: number for number, product_id in enumerate(unknown, len(self._items) + 1)}
        connection.executemany("INSERT INTO items (product_id, item) VALUES (?, ?)", new.items())
        return new

    def _skip(self, record: Record, error: Exception) -> None:
        self.unreadable += 1
        _logger.error(
            "view.unreadable", stream=record.stream, sequence=record.sequence, error=type(error).__name__
        )

    @contextmanager
    def shop(self) -> Iterator[Shop]:
        """See Knowledge."""
        with self._lock:
            popular = self._popularity.now(len(self._catalogue), self._clock(), self._refresh)
            yield Shop(self._catalogue, popular, self._links)

    def taste(self, shopper_keys: Sequence[str]) -> Taste:
        """See Knowledge. Reads one shopper's rows from disk."""
        with self.database.read() as connection:
            for key in shopper_keys:
                number = _shopper(connection, key)
                rows = connection.execute(_TASTE, (number,)).fetchall() if number else []
                # An item of a batch that is committed but not yet in memory is left for the next answer.
                rows = [row for row in rows if row[0] <= len(self._row_of_item)]
                if rows:
                    items, pieces, times, bought, looked, last = zip(*rows, strict=True)
                    return Taste(
                        np.array([self._row_of_item[item - 1] for item in items], np.int64),
                        np.array(pieces, np.int64),
                        np.array(times, np.int64),
                        np.array(bought, np.float64),
                        np.array(looked, np.float64),
                        np.array(last, np.float64),
                    )
        return empty()

    def use(self, model: Neighbours, version: str) -> None:
        """See Knowledge."""
        with self._lock:
            self._links = Links(model, version, self._catalogue)


def _shopper(connection: sqlite3.Connection, name: str) -> int | None:
    row = connection.execute("SELECT shopper FROM shoppers WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else None


def _columns(product: Product) -> tuple[str | int, ...]:
    return (
        product.id,
        product.title,
        product.brand,
        json.dumps(product.categories, ensure_ascii=False),
        product.currency,
        product.price,
        int(product.in_stock),
    )


def _rows(signal: Signal, shopper: int, items: dict[str, int]) -> Iterator[dict[str, int | float]]:
    half_life = decay.INTEREST_HALF_LIFE if signal.kind is Kind.INTEREST else decay.PURCHASE_HALF_LIFE
    weight = signal.strength * decay.forward(signal.time, half_life)
    for product_id, pieces in signal.items:
        yield {
            "shopper": shopper,
            "item": items[product_id],
            "pieces": pieces,
            "weight": weight,
            "time": signal.time,
        }


def _popularity(signals: Sequence[Signal], items: dict[str, int]) -> list[tuple[int, float]]:
    counts = []
    for signal in signals:
        if sign := _POPULARITY_SIGN[signal.kind]:
            weight = sign * decay.forward(signal.time, decay.POPULARITY_HALF_LIFE)
            counts += [(items[product_id], weight) for product_id, _ in signal.items]
    return counts
