"""What the view knows of lists: how often each shopper saw which product, and what they asked not to see."""

import sqlite3
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import decay, shown
from services.recsys.domain.shown import MAX_SHOWN, Shown
from services.recsys.domain.signals import Kind, Signal

SCHEMA = """
CREATE TABLE IF NOT EXISTS shown (
    shopper INTEGER NOT NULL, item INTEGER NOT NULL, times INTEGER NOT NULL, weight REAL NOT NULL,
    last REAL NOT NULL, PRIMARY KEY (shopper, item)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hidden (
    shopper INTEGER NOT NULL, item INTEGER NOT NULL, PRIMARY KEY (shopper, item)
) WITHOUT ROWID;
"""

_ADD = """
INSERT INTO shown VALUES (?, ?, 1, ?, ?) ON CONFLICT DO UPDATE SET
    times = times + 1, weight = weight + excluded.weight, last = max(last, excluded.last)"""
_SHOWN = f"SELECT item, times, weight, last FROM shown WHERE shopper = ? ORDER BY last DESC LIMIT {MAX_SHOWN}"


def add(
    connection: sqlite3.Connection,
    signals: Sequence[Signal],
    shoppers: Mapping[str, int],
    items: Mapping[str, int],
) -> None:
    """Takes signals, in order. Who takes back hiding takes it back on the device too."""
    for signal in signals:
        named = [items[product_id] for product_id, _ in signal.items]
        shopper = shoppers[signal.shopper]
        if signal.kind is Kind.SHOWN:
            weight = decay.forward(signal.time, decay.SHOWN_HALF_LIFE)
            connection.executemany(_ADD, [(shopper, item, weight, signal.time) for item in named])
        elif signal.kind is Kind.HIDDEN:
            connection.executemany(
                "INSERT OR IGNORE INTO hidden VALUES (?, ?)", [(shopper, item) for item in named]
            )
        elif signal.kind is Kind.UNHIDDEN:
            keys = [shopper, *([shoppers[signal.device]] if signal.device else [])]
            connection.executemany(
                "DELETE FROM hidden WHERE shopper = ? AND item = ?",
                [(key, item) for key in keys for item in named],
            )


def read(connection: sqlite3.Connection, shoppers: Sequence[int], rows: NDArray[np.int64]) -> Shown:
    """What the first shopper saw who was shown anything; `rows` holds the catalogue's row of each item."""
    for shopper in shoppers:
        found = connection.execute(_SHOWN, (shopper,)).fetchall()
        if found := [row for row in found if row[0] < len(rows)]:
            items, times, weights, last = zip(*found, strict=True)
            return Shown(
                rows[list(items)],
                np.array(times, np.int64),
                np.array(weights, np.float64),
                np.array(last, np.float64),
            )
    return shown.nothing()


def hidden(
    connection: sqlite3.Connection, shoppers: Sequence[int], rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The rows that any of the shoppers hid, rising."""
    items = [
        item
        for shopper in shoppers
        for (item,) in connection.execute("SELECT item FROM hidden WHERE shopper = ?", (shopper,))
        if item < len(rows)
    ]
    return np.unique(rows[items])
