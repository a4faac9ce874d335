"""The view of the log in SQLite: what the products are, what each shopper did, what everybody buys.

What shoppers did stays on disk and is read one shopper at a time, so that memory does not grow with shoppers;
products and popularity are held in memory too, in the domain's columns. What is stored how stands in the
view_*.py files beside this one.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from services.kit import logs
from services.kit.log import CATALOG, EVENTS, Record
from services.kit.views import Database
from services.recsys.adapters import (
    view_numbers,
    view_popularity,
    view_products,
    view_shown,
    view_tastes,
    view_trails,
)
from services.recsys.adapters.messages import change_of, signal_of
from services.recsys.adapters.view_popularity import Count, CountWithin
from services.recsys.domain import trails
from services.recsys.domain.catalogue import Catalogue, Product
from services.recsys.domain.interactions import Past
from services.recsys.domain.popularity import Popularity
from services.recsys.domain.shop import Served, Shop
from services.recsys.domain.shown import Shown
from services.recsys.domain.signals import Signal, session_key
from services.recsys.domain.taste import Taste
from services.recsys.domain.trained import Trained

VERSION = 3
"""Raise it when SCHEMA or what is stored changes: the view is then built anew from the log."""

_PARTS = (view_products, view_numbers, view_popularity, view_tastes, view_trails, view_shown)
SCHEMA = "".join(part.SCHEMA for part in _PARTS)

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
            self._served: Served | None = None
            for product in view_products.load(connection):
                self._catalogue.upsert(product)
            self._items, named = view_numbers.load_items(connection)
            self._rows = np.zeros(1, np.int64)  # the row of each item; items number from 1
            self._number_rows(self._items)
            self._popularity.first(self._rows[1:], np.array(named, np.float64))
            self._arrive(view_products.arrivals(connection))
            self._count(view_popularity.load(connection))
            self._count_within(view_popularity.load_within(connection))

    def position(self, stream: str) -> int:
        """See kit's View."""
        return self.database.position(stream)

    def clear(self) -> None:
        """See kit's View. The model that serves goes on serving."""
        with self._lock:
            served = self._served
            self.database.clear()
            self._load()
            if served is not None:
                self.use(served.trained, served.version)

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
        times: dict[str, float] = {}
        for record in records:
            try:
                product_id, product = change_of(record)
            except (DecodeError, ValueError) as error:
                self._skip(record, error)
            else:
                changes[product_id] = product
                if product:
                    times.setdefault(product_id, record.time.timestamp())
        with self.database.batch(records) as connection:
            view_products.change(connection, changes, times)
        with self._lock:
            for product_id, product in changes.items():
                if product:
                    self._catalogue.upsert(product)
                else:
                    self._catalogue.delete(product_id)
            self._arrive(times.items())

    def _apply_signals(self, records: Sequence[Record]) -> None:
        numbered = [(record.sequence, signal) for record in records if (signal := self._signal(record))]
        signals = [signal for _, signal in numbered]
        named = view_numbers.first_named(signals)
        with self.database.batch(records) as connection:
            shoppers = view_numbers.shoppers(connection, signals)
            new = view_numbers.items(connection, named, self._items)
            items = self._items | new if new else self._items
            view_tastes.add(connection, signals, shoppers, items)
            view_trails.add(connection, numbered, shoppers, items)
            view_shown.add(connection, signals, shoppers, items)
            counts = view_popularity.add(connection, signals, items)
            within = view_popularity.add_within(connection, signals, items)
        with self._lock:
            self._items.update(new)
            self._number_rows(new)
            rows = self._rows[[self._items[product_id] for product_id in named]]
            self._popularity.first(rows, np.array(list(named.values()), np.float64))
            self._count(counts)
            self._count_within(within)

    def _signal(self, record: Record) -> Signal | None:
        try:
            return signal_of(record)
        except (DecodeError, ValueError) as error:
            self._skip(record, error)
            return None

    def _number_rows(self, product_ids: Iterable[str]) -> None:
        rows = [self._catalogue.row(product_id) for product_id in product_ids]
        self._rows = np.concatenate([self._rows, np.array(rows, np.int64)])

    def _arrive(self, arrivals: Iterable[tuple[str, float]]) -> None:
        rows = [(self._catalogue.row(product_id), since) for product_id, since in arrivals]
        self._popularity.first(np.array([r for r, _ in rows], np.int64), np.array([s for _, s in rows]))

    def _count(self, counts: Sequence[Count]) -> None:
        if counts:
            items, weights, recent, times = (np.array(column) for column in zip(*counts, strict=True))
            self._popularity.add(self._rows[items], weights, recent, float(times.max()))

    def _count_within(self, counts: Sequence[CountWithin]) -> None:
        by_segment: dict[str, list[CountWithin]] = {}
        for count in counts:
            by_segment.setdefault(count.segment, []).append(count)
        for segment, mine in by_segment.items():
            rows = self._rows[[count.item for count in mine]]
            self._popularity.add_within(segment, rows, np.array([count.weight for count in mine]))

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
            yield Shop(self._catalogue, popular, self._served)

    def taste(self, shopper_keys: Sequence[str]) -> Taste:
        """See Knowledge. Reads one shopper's rows from disk, as do the next four."""
        with self.database.read() as connection:
            return view_tastes.read(connection, view_numbers.known(connection, shopper_keys), self._rows)

    def past(self, shopper_keys: Sequence[str], session_id: str = "", *, bought: bool = False) -> Past:
        """See Knowledge."""
        with self.database.read() as connection:
            found = trails.nothing()
            for shopper in view_numbers.known(connection, shopper_keys):
                if len(found := view_trails.read(connection, shopper)):
                    break
            for visit in view_numbers.known(connection, [session_key(session_id)]):
                found = trails.join(found, view_trails.read(connection, visit))
            return trails.past(found, self._rows, bought)

    def session(self, session_id: str) -> Past:
        """See Knowledge."""
        return self.past((), session_id)

    def hidden(self, shopper_keys: Sequence[str]) -> NDArray[np.int64]:
        """See Knowledge."""
        with self.database.read() as connection:
            return view_shown.hidden(connection, view_numbers.known(connection, shopper_keys), self._rows)

    def shown(self, shopper_keys: Sequence[str]) -> Shown:
        """See Knowledge."""
        with self.database.read() as connection:
            return view_shown.read(connection, view_numbers.known(connection, shopper_keys), self._rows)

    def use(self, trained: Trained, version: str) -> None:
        """See Knowledge."""
        with self._lock:
            self._served = Served(trained, version, self._catalogue)
