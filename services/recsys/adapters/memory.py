"""Knowledge in plain memory: for tests, and for evaluation, which fills it from history."""

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import decay, shown, trails
from services.recsys.domain.catalogue import Catalogue, Product
from services.recsys.domain.interactions import Past
from services.recsys.domain.popularity import Popularity
from services.recsys.domain.shop import Served, Shop
from services.recsys.domain.shown import Shown
from services.recsys.domain.signals import TASTE, Kind, Signal, session_key
from services.recsys.domain.taste import Taste, empty
from services.recsys.domain.trails import Trail
from services.recsys.domain.trained import Trained


class MemoryKnowledge:
    """Holds every shopper in memory; always up to date."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._catalogue, self._popularity = Catalogue(), Popularity()
        self._served: Served | None = None
        self._tastes: dict[str, dict[int, list[float]]] = {}
        self._trails: dict[str, Trail] = {}
        self._shown: dict[str, dict[int, tuple[int, float, float]]] = {}
        self._hidden: dict[str, set[int]] = {}
        self._events = 0

    def put(self, product: Product, time: float = math.inf) -> None:
        """Takes a product as it is from now on, known since a time."""
        with self._lock:
            self._catalogue.upsert(product)
            self._popularity.first(np.array([self._catalogue.row(product.id)]), np.array([time]))

    def remove(self, product_id: str) -> None:
        """Forgets a product."""
        with self._lock:
            self._catalogue.delete(product_id)

    def take(self, signal: Signal, popularity: bool = True) -> None:
        """Takes what a shopper did; without `popularity` it counts for that shopper alone."""
        with self._lock:
            self._events += 1
            rows = [self._catalogue.row(product_id) for product_id, _ in signal.items]
            self._popularity.first(np.array(rows, np.int64), np.full(len(rows), signal.time))
            if signal.kind in TASTE:
                entries = self._tastes.setdefault(signal.shopper, {})
                for row, (_, pieces) in zip(rows, signal.items, strict=True):
                    _add(entries.setdefault(row, [0, 0, 0.0, 0.0, signal.time]), signal, pieces)
            self._follow(signal, rows)
            self._show(signal, rows)
            if popularity and signal.kind in (Kind.PURCHASE, Kind.REFUND):
                self._count(rows, 1.0 if signal.kind is Kind.PURCHASE else -1.0, signal)

    def _follow(self, signal: Signal, rows: list[int]) -> None:
        if signal.takes and rows:
            lines = trails.lines(self._events, signal.time, rows, signal.kind is Kind.PURCHASE)
            for key in filter(None, (signal.shopper, signal.session)):
                self._trails[key] = trails.extend(self._trails.get(key, trails.nothing()), lines)

    def _show(self, signal: Signal, rows: list[int]) -> None:
        if signal.kind is Kind.SHOWN:
            entries = self._shown.setdefault(signal.shopper, {})
            weight = decay.forward(signal.time, decay.SHOWN_HALF_LIFE)
            for row in rows:
                times, had, last = entries.get(row, (0, 0.0, signal.time))
                entries[row] = (times + 1, had + weight, max(last, signal.time))
        elif signal.kind is Kind.HIDDEN:
            self._hidden.setdefault(signal.shopper, set()).update(rows)
        elif signal.kind is Kind.UNHIDDEN:
            for key in (signal.shopper, signal.device):
                self._hidden.get(key, set()).difference_update(rows)

    def popularity(self, product_ids: Sequence[str], weights: Sequence[float]) -> None:
        """Adds what everybody bought long ago, as forward weights; of late, nobody bought any."""
        with self._lock:
            rows = np.array([self._catalogue.row(product_id) for product_id in product_ids], np.int64)
            long = np.asarray(weights, np.float64)
            self._popularity.add(rows, long, np.zeros_like(long), -math.inf)

    def _count(self, rows: list[int], sign: float, signal: Signal) -> None:
        long, recent = (
            np.full(len(rows), sign * decay.forward(signal.time, half_life))
            for half_life in (decay.POPULARITY_HALF_LIFE, decay.TREND_HALF_LIFE)
        )
        self._popularity.add(np.array(rows, np.int64), long, recent, signal.time)
        if signal.segment:
            self._popularity.add_within(signal.segment, np.array(rows, np.int64), long)

    @contextmanager
    def shop(self) -> Iterator[Shop]:
        """See Knowledge."""
        with self._lock:
            yield Shop(self._catalogue, self._popularity.now(len(self._catalogue), 0.0, 0.0), self._served)

    def taste(self, shopper_keys: Sequence[str]) -> Taste:
        """See Knowledge."""
        entries = next((self._tastes[key] for key in shopper_keys if self._tastes.get(key)), None)
        if entries is None:
            return empty()
        rows = np.array(list(entries), np.int64)
        pieces, times, bought, looked, last = np.array(list(entries.values()), np.float64).T
        return Taste(rows, pieces.astype(np.int64), times.astype(np.int64), bought, looked, last)

    def past(self, shopper_keys: Sequence[str], session_id: str = "", *, bought: bool = False) -> Past:
        """See Knowledge."""
        trail = next((self._trails[key] for key in shopper_keys if key in self._trails), trails.nothing())
        trail = trails.join(trail, self._trails.get(session_key(session_id), trails.nothing()))
        return trails.past(trail, np.arange(len(self._catalogue)), bought)

    def session(self, session_id: str) -> Past:
        """See Knowledge."""
        return self.past((), session_id)

    def hidden(self, shopper_keys: Sequence[str]) -> NDArray[np.int64]:
        """See Knowledge."""
        rows = set[int]().union(*(self._hidden.get(key, set()) for key in shopper_keys))
        return np.array(sorted(rows), np.int64)

    def shown(self, shopper_keys: Sequence[str]) -> Shown:
        """See Knowledge. Newest first, as the view has it."""
        entries = next((self._shown[key] for key in shopper_keys if self._shown.get(key)), None)
        if entries is None:
            return shown.nothing()
        latest = sorted(entries.items(), key=lambda entry: -entry[1][2])[: shown.MAX_SHOWN]
        times, weights, last = np.array([entry for _, entry in latest], np.float64).T
        return Shown(np.array([row for row, _ in latest]), times.astype(np.int64), weights, last)

    def use(self, trained: Trained, version: str) -> None:
        """See Knowledge."""
        with self._lock:
            self._served = Served(trained, version, self._catalogue)


def _add(entry: list[float], signal: Signal, pieces: int) -> None:
    """The rules of adapters/view_tastes.py, in words of Python."""
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
