"""Knowledge in plain memory: for tests, and for evaluation, which fills it from history."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from services.recsys.domain import decay
from services.recsys.domain.catalogue import Catalogue, Product
from services.recsys.domain.neighbours import Neighbours
from services.recsys.domain.popularity import Popularity
from services.recsys.domain.shop import Links, Shop
from services.recsys.domain.signals import Kind, Signal
from services.recsys.domain.taste import Taste, empty


class MemoryKnowledge:
    """Holds every shopper in memory; always up to date."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._catalogue, self._popularity = Catalogue(), Popularity()
        self._links: Links | None = None
        self._tastes: dict[str, dict[int, list[float]]] = {}

    def put(self, product: Product) -> None:
        """Takes a product as it is from now on."""
        with self._lock:
            self._catalogue.upsert(product)

    def remove(self, product_id: str) -> None:
        """Forgets a product."""
        with self._lock:
            self._catalogue.delete(product_id)

    def take(self, signal: Signal, popularity: bool = True) -> None:
        """Takes what a shopper did; without `popularity` it counts for that shopper alone."""
        with self._lock:
            entries = self._tastes.setdefault(signal.shopper, {})
            for product_id, pieces in signal.items:
                row = self._catalogue.row(product_id)
                entry = entries.setdefault(row, [0, 0, 0.0, 0.0, signal.time])
                _add(entry, signal, pieces)
                if popularity and signal.kind is not Kind.INTEREST:
                    sign = 1.0 if signal.kind is Kind.PURCHASE else -1.0
                    self._count(row, sign * decay.forward(signal.time, decay.POPULARITY_HALF_LIFE))

    def popularity(self, product_ids: Sequence[str], weights: Sequence[float]) -> None:
        """Sets what everybody buys, as forward weights."""
        with self._lock:
            rows = np.array([self._catalogue.row(product_id) for product_id in product_ids], np.int64)
            self._popularity.set(rows, np.asarray(weights, np.float64))

    def _count(self, row: int, weight: float) -> None:
        self._popularity.add(np.array([row]), np.array([weight]))

    @contextmanager
    def shop(self) -> Iterator[Shop]:
        """See Knowledge."""
        with self._lock:
            yield Shop(self._catalogue, self._popularity.now(len(self._catalogue), np.inf, 0.0), self._links)

    def taste(self, shopper_keys: Sequence[str]) -> Taste:
        """See Knowledge."""
        entries = next((self._tastes[key] for key in shopper_keys if self._tastes.get(key)), None)
        if entries is None:
            return empty()
        rows = np.array(list(entries), np.int64)
        pieces, times, bought, looked, last = np.array(list(entries.values()), np.float64).T
        return Taste(rows, pieces.astype(np.int64), times.astype(np.int64), bought, looked, last)

    def use(self, model: Neighbours, version: str) -> None:
        """See Knowledge."""
        with self._lock:
            self._links = Links(model, version, self._catalogue)


def _add(entry: list[float], signal: Signal, pieces: int) -> None:
    """The rules of adapters/view.py, in words of Python."""
    had = entry[0]
    if signal.kind is Kind.PURCHASE:
        entry[0] = had + pieces
        if had + pieces > 0:
            entry[1] += 1
            entry[2] += signal.strength * decay.forward(signal.time, decay.PURCHASE_HALF_LIFE)
    elif signal.kind is Kind.REFUND:
        entry[0] = max(0, had - pieces) if had > 0 else had - pieces
        entry[1], entry[2] = (entry[1], entry[2] * entry[0] / had) if had > pieces else (0, 0.0)
    else:
        looked = entry[3] + signal.strength * decay.forward(signal.time, decay.INTEREST_HALF_LIFE)
        entry[3] = max(0.0, looked)
    entry[4] = max(entry[4], signal.time)
