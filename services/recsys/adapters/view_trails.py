"""The view's trails: the latest lines of each shopper and each visit, in one blob that one read finds."""

import sqlite3
from collections.abc import Mapping, Sequence

import numpy as np

from services.recsys.domain import trails
from services.recsys.domain.signals import Kind, Signal
from services.recsys.domain.trails import LINE, Trail

SCHEMA = """
CREATE TABLE IF NOT EXISTS trails (shopper INTEGER PRIMARY KEY, lines BLOB NOT NULL);
"""


def add(
    connection: sqlite3.Connection,
    numbered: Sequence[tuple[int, Signal]],
    shoppers: Mapping[str, int],
    items: Mapping[str, int],
) -> None:
    """Takes signals with their numbers in the log; each lengthens its shopper's trail and its visit's."""
    more: dict[int, list[Trail]] = {}
    for event, signal in numbered:
        if signal.takes and signal.items:
            bought = signal.kind is Kind.PURCHASE
            lines = trails.lines(event, signal.time, [items[name] for name, _ in signal.items], bought)
            for key in filter(None, (signal.shopper, signal.session)):
                more.setdefault(shoppers[key], []).append(lines)
    connection.executemany(
        "INSERT OR REPLACE INTO trails VALUES (?, ?)",
        [
            (shopper, trails.extend(read(connection, shopper), np.concatenate(parts)).tobytes())
            for shopper, parts in more.items()
        ],
    )


def read(connection: sqlite3.Connection, shopper: int) -> Trail:
    """One trail, without a line when there is none."""
    row = connection.execute("SELECT lines FROM trails WHERE shopper = ?", (shopper,)).fetchone()
    return np.frombuffer(row[0], LINE) if row else trails.nothing()
