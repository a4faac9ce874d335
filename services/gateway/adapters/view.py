"""The gateway's own view of the log, in SQLite: product cards, titles to search, and what is bought most."""

import asyncio
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Final

from aisle.catalog.v1 import product_pb2
from aisle.events.v1 import event_pb2
from google.protobuf.message import DecodeError

from services.gateway.adapters.titles import completed, searched
from services.gateway.domain.model import Answer, Candidate, Card, Money
from services.gateway.domain.ports import SearchQuery
from services.kit import logs
from services.kit.log import CATALOG, EVENTS, Record
from services.kit.stock import in_stock
from services.kit.views import Database

VERSION: Final = 1
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS products (
  id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, brand TEXT NOT NULL, in_stock INTEGER NOT NULL,
  card BLOB NOT NULL, -- the product without cost and picture bytes
  whole BLOB          -- the product as written, when it differs
);
CREATE INDEX IF NOT EXISTS products_title ON products (title COLLATE NOCASE);
CREATE VIRTUAL TABLE IF NOT EXISTS titles USING fts5(
  title, brand, content='products', tokenize='unicode61 remove_diacritics 2'
);
CREATE TRIGGER IF NOT EXISTS products_in AFTER INSERT ON products BEGIN
  INSERT INTO titles (rowid, title, brand) VALUES (new.rowid, new.title, new.brand);
END;
CREATE TRIGGER IF NOT EXISTS products_out AFTER DELETE ON products BEGIN
  INSERT INTO titles (titles, rowid, title, brand) VALUES ('delete', old.rowid, old.title, old.brand);
END;
CREATE TABLE IF NOT EXISTS popularity (
  month INTEGER NOT NULL, product_id TEXT NOT NULL, orders INTEGER NOT NULL, PRIMARY KEY (month, product_id)
) WITHOUT ROWID;
"""
MONTHS: Final = 2  # of orders make a product popular, by the newest order, not by the clock
POPULAR: Final = 500
POPULAR_SECONDS: Final = 10.0  # a count of popular products is used again this long
_ASKED_AT_ONCE = 500  # SQLite takes no more than 32,766 parameters
_logger = logs.get(__name__)


class GatewayView:
    """A View that a Follower keeps up to date, and the Shelf that pages take from."""

    streams: Sequence[str] = (CATALOG, EVENTS)

    def __init__(self, path: Path, in_memory: int = 20_000, clock: Callable[[], float] = monotonic) -> None:
        self.database = Database(path, SCHEMA, VERSION)
        self._in_memory = in_memory
        self._clock = clock
        self._cards: OrderedDict[str, Card] = OrderedDict()
        self._changes = 0  # so that a card read before a change is not kept after it
        self._lock = threading.Lock()
        self._popular: tuple[float, Sequence[Candidate]] | None = None
        self._counting = asyncio.Lock()

    def position(self, stream: str) -> int:
        """See View.position."""
        return self.database.position(stream)

    def clear(self) -> None:
        """See View.clear."""
        self.database.clear()
        self._forget()

    def apply(self, records: Sequence[Record]) -> None:
        """See View.apply."""
        if records[0].stream == CATALOG:
            self._apply_catalog(records)
        else:
            self._apply_events(records)

    def _apply_catalog(self, records: Sequence[Record]) -> None:
        with self.database.batch(records) as connection:
            for record in records:
                try:
                    change = product_pb2.ProductChange.FromString(record.payload)
                except DecodeError:
                    _logger.error("view.unreadable", stream=record.stream, sequence=record.sequence)
                    continue
                connection.execute("DELETE FROM products WHERE id = ?", (record.key,))
                if change.WhichOneof("change") == "upsert":
                    row = _row(change.upsert)
                    connection.execute("INSERT INTO products VALUES (?, ?, ?, ?, ?, ?)", (record.key, *row))
        self._forget([record.key for record in records])

    def _apply_events(self, records: Sequence[Record]) -> None:
        orders: Counter[tuple[int, str]] = Counter()
        for record in records:
            try:
                event = event_pb2.Event.FromString(record.payload)
            except DecodeError:
                _logger.error("view.unreadable", stream=record.stream, sequence=record.sequence)
                continue
            if event.type == event_pb2.EVENT_TYPE_ORDER_COMPLETED:
                month = _month(event.event_time.seconds)
                orders.update((month, one) for one in {detail.product_id for detail in event.product_details})
        rows = [(month, product_id, count) for (month, product_id), count in sorted(orders.items())]
        with self.database.batch(records) as connection:
            connection.executemany(
                "INSERT INTO popularity VALUES (?, ?, ?) "
                "ON CONFLICT DO UPDATE SET orders = orders + excluded.orders",
                rows,
            )

    def _forget(self, product_ids: Sequence[str] | None = None) -> None:
        with self._lock:
            self._changes += 1
            if product_ids is None:
                self._cards.clear()
                self._popular = None
            for product_id in product_ids or ():
                self._cards.pop(product_id, None)

    def cards(self, product_ids: Sequence[str]) -> Mapping[str, Card]:
        """See Shelf.cards."""
        with self._lock:
            changes = self._changes
            found = {one: self._cards[one] for one in product_ids if one in self._cards}
            for product_id in found:
                self._cards.move_to_end(product_id)
        if missing := list({one for one in product_ids if one not in found}):
            read = {one: _card(one, body) for one, body in self._read("card", missing).items()}
            found |= read
            with self._lock:
                if changes == self._changes:
                    self._cards |= read
                while len(self._cards) > self._in_memory:
                    self._cards.popitem(last=False)
        return found

    async def products(self, product_ids: Sequence[str]) -> Mapping[str, bytes]:
        """See Shelf.products."""
        return await asyncio.to_thread(self._read, "coalesce(whole, card)", list(set(product_ids)))

    def _read(self, column: str, product_ids: Sequence[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        with self.database.read() as connection:
            for start in range(0, len(product_ids), _ASKED_AT_ONCE):
                some = product_ids[start : start + _ASKED_AT_ONCE]
                marks = ", ".join("?" * len(some))
                found.update(
                    connection.execute(f"SELECT id, {column} FROM products WHERE id IN ({marks})", some)
                )
        return found

    async def popular(self) -> Sequence[Candidate]:
        """See Shelf.popular."""
        async with self._counting:
            if self._popular is None or self._clock() - self._popular[0] > POPULAR_SECONDS:
                self._popular = (self._clock(), await asyncio.to_thread(self._count))
            return self._popular[1]

    def _count(self) -> Sequence[Candidate]:
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT product_id, sum(orders) FROM popularity "
                "JOIN products ON id = product_id AND in_stock "
                "WHERE month > (SELECT max(month) FROM popularity) - ? "
                "GROUP BY product_id ORDER BY 2 DESC, 1 LIMIT ?",
                (MONTHS, POPULAR),
            ).fetchall()
        return tuple(Candidate(product_id, "Popular now", float(orders)) for product_id, orders in rows)

    async def search(self, query: SearchQuery) -> Answer:
        """See Shelf.search."""
        return await asyncio.to_thread(searched, self.database, self.cards, query)

    async def complete(self, prefix: str, size: int) -> tuple[str, ...]:
        """See Shelf.complete."""
        return await asyncio.to_thread(completed, self.database, prefix, size)


def _row(product: product_pb2.Product) -> tuple[str, str, bool, bytes, bytes | None]:
    whole = product.SerializeToString(deterministic=True)
    card = product_pb2.Product.FromString(whole)
    card.ClearField("cost")
    with_address = [image for image in product.images if image.WhichOneof("source") == "uri"]
    card.ClearField("images")
    card.images.extend(with_address)
    body = card.SerializeToString(deterministic=True)
    return product.title, product.brand, in_stock(product), body, None if body == whole else whole


def _card(product_id: str, body: bytes) -> Card:
    product = product_pb2.Product.FromString(body)
    price = Money(product.price.currency_code, product.price.amount_micros)
    return Card(
        product_id,
        product.title,
        tuple(product.categories),
        product.brand,
        price if product.HasField("price") else None,
        in_stock(product),
        body,
    )


def _month(seconds: int) -> int:
    time = datetime.fromtimestamp(seconds, UTC)
    return 12 * time.year + time.month
