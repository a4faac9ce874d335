"""All that shoppers did, as arrays: what a model learns from and is measured on."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.interactions import Interactions
from services.recsys.domain.signals import Kind, Signal

_KINDS = tuple(Kind)
_PURCHASE = _KINDS.index(Kind.PURCHASE)

SAMPLE = 1000
"""At most so many shoppers are measured."""

MIN_BASKETS = 5
"""A shopper with fewer says little about how well they are known."""

WEEKS = 4.0
"""What is held out at the end of the log."""

_WEEK = 7 * 24 * 3600.0


class Recorder:
    """Collects signals into compact arrays: about 16 bytes a line."""

    def __init__(self) -> None:
        self.shoppers: dict[str, int] = {}
        self.items: dict[str, int] = {}
        self._shopper, self._kind, self._strength, self._time = array("i"), array("b"), array("f"), array("d")
        self._event, self._item, self._pieces = array("i"), array("i"), array("i")

    def add(self, signal: Signal) -> None:
        """Takes the next signal of the log."""
        event = len(self._shopper)
        self._shopper.append(self.shoppers.setdefault(signal.shopper, len(self.shoppers)))
        self._kind.append(_KINDS.index(signal.kind))
        self._strength.append(signal.strength)
        self._time.append(signal.time)
        for product_id, pieces in signal.items:
            self._event.append(event)
            self._item.append(self.items.setdefault(product_id, len(self.items)))
            self._pieces.append(min(pieces, 2**31 - 1))

    def history(self) -> "History":
        """All that was taken."""
        parts = (self._shopper, self._kind, self._strength, self._time, self._event, self._item, self._pieces)
        return History(list(self.shoppers), list(self.items), *(np.array(part) for part in parts))


@dataclass(frozen=True)
class History:
    """Events (shopper, kind, strength, time) and their lines (event, item, pieces), in the log's order."""

    shoppers: list[str]
    items: list[str]
    shopper: NDArray[np.int32]
    kind: NDArray[np.int8]
    strength: NDArray[np.float32]
    time: NDArray[np.float64]
    event: NDArray[np.int32]
    item: NDArray[np.int32]
    pieces: NDArray[np.int32]

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The first line of each event, and behind them the number of lines."""
        return np.searchsorted(self.event, np.arange(len(self.shopper) + 1, dtype=self.event.dtype))

    def purchases(self) -> NDArray[np.bool_]:
        """Which events are orders."""
        return np.asarray(self.kind == _PURCHASE)

    def lines_of(self, events: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which lines belong to these events."""
        return np.asarray(events[self.event])

    def interactions(self) -> Interactions:
        """All orders as models learn from them, in each shopper's order of time.

        Shoppers and items keep their numbers; the pieces of a product in an order count once.
        """
        kept = self.lines_of(self.purchases())
        event, item = self.event[kept], self.item[kept]
        shopper, time = self.shopper[event], self.time[event]
        order = np.lexsort((event, time, shopper))
        shopper, time, event, item = shopper[order], time[order], event[order], item[order]
        starts = np.searchsorted(shopper, np.arange(len(self.shoppers) + 1))
        fresh = np.diff(event, prepend=-1) != 0
        basket = np.cumsum(fresh) - 1
        own = basket - np.repeat(basket[np.minimum(starts[:-1], len(basket) - 1)], np.diff(starts))
        return Interactions(len(self.items), starts, item, own.astype(np.int32), time)

    def signals(self, shopper: int, events: NDArray[np.bool_]) -> Iterator[Signal]:
        """One shopper's signals among these events."""
        for event in np.flatnonzero((self.shopper == shopper) & events):
            first, last = self.starts[event : event + 2]
            items = tuple(
                (self.items[item], int(pieces))
                for item, pieces in zip(self.item[first:last], self.pieces[first:last], strict=True)
            )
            kind = _KINDS[self.kind[event]]
            yield Signal(
                self.shoppers[shopper], kind, float(self.strength[event]), float(self.time[event]), items
            )


@dataclass(frozen=True)
class Split:
    """What may be learnt from, and what each sampled shopper bought after it, which may not."""

    known: NDArray[np.bool_]
    last: dict[int, frozenset[str]]


def split(history: History, sample: int = SAMPLE, least: int = MIN_BASKETS, weeks: float = WEEKS) -> Split:
    """Holds out the last weeks of everybody; of a short log its last fifth. Nothing later is ever known.

    Measured are shoppers with at least `least` orders before and one after; of many, a sample by a hash, so
    that it is the same the next time. A model that was trained some time ago on the same log held out all
    after an earlier moment, so it has not seen what it is measured on now either.
    """
    if not len(history.time):
        return Split(np.ones(0, bool), {})
    first, end = float(history.time.min()), float(history.time.max())
    cut = end - min(weeks * _WEEK, (end - first) / 5)
    known, orders = history.time < cut, history.purchases()
    counts = np.bincount(history.shopper[known & orders], minlength=len(history.shoppers))
    later = history.lines_of(~known & orders & (counts >= least)[history.shopper])
    bought: dict[int, set[str]] = {}
    for shopper, item in zip(
        history.shopper[history.event[later]].tolist(), history.item[later].tolist(), strict=True
    ):
        bought.setdefault(shopper, set()).add(history.items[item])
    chosen = sorted(bought, key=lambda shopper: crc32(history.shoppers[shopper].encode()))[:sample]
    return Split(known, {shopper: frozenset(bought[shopper]) for shopper in chosen})
