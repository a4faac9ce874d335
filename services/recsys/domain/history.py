"""All that shoppers did, as arrays: what a model learns from and is measured on."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.signals import Kind, Signal

_KINDS = tuple(Kind)
_PURCHASE = _KINDS.index(Kind.PURCHASE)

SAMPLE = 1000
"""Shoppers whose last basket is held out."""

MIN_BASKETS = 5
"""A shopper with fewer says little about how well they are known."""


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
    """What may be learnt from, and each sampled shopper's last basket (its items), which may not."""

    known: NDArray[np.bool_]
    last: dict[int, frozenset[str]]


def split(history: History, sample: int = SAMPLE, least: int = MIN_BASKETS) -> Split:
    """Holds out the last basket by time, and all after it, of a sample of shoppers.

    The sample goes by a hash of the shopper, so that a model trained some time ago on the same log, which
    held out the same shoppers, has not seen the baskets that it is measured on now.
    """
    orders = np.flatnonzero(history.purchases())
    counts = np.bincount(history.shopper[orders], minlength=len(history.shoppers))
    fit = [int(shopper) for shopper in np.flatnonzero(counts >= least)]
    chosen = sorted(fit, key=lambda shopper: crc32(history.shoppers[shopper].encode()))[:sample]
    known = np.ones(len(history.shopper), bool)
    last = {}
    wanted = np.zeros(len(history.shoppers), bool)
    wanted[chosen] = True
    ordered = orders[np.argsort(history.time[orders], kind="stable")]
    latest = {int(history.shopper[event]): int(event) for event in ordered if wanted[history.shopper[event]]}
    cut = np.full(len(history.shoppers), np.inf)
    for shopper, event in latest.items():
        cut[shopper] = history.time[event]
        first, end = history.starts[event : event + 2]
        items = frozenset(history.items[item] for item in history.item[first:end])
        if items:
            last[shopper] = items
    known &= history.time < cut[history.shopper]
    return Split(known, last)
