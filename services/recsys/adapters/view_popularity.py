"""The view's popularity: a row a product that was ever bought."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.recsys.domain import decay
from services.recsys.domain.signals import Kind, Signal

SCHEMA = """
CREATE TABLE IF NOT EXISTS popularity (
    item INTEGER PRIMARY KEY, weight REAL NOT NULL, recent REAL NOT NULL, last REAL NOT NULL
);
"""

_ADD = """
INSERT INTO popularity VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    weight = weight + excluded.weight, recent = recent + excluded.recent, last = max(last, excluded.last)"""

SIGN = {Kind.PURCHASE: 1.0, Kind.REFUND: -1.0}
"""What each kind adds; the others add nothing."""


class Count(NamedTuple):
    """Forward weights of decay.POPULARITY_HALF_LIFE and TREND_HALF_LIFE, and when."""

    item: int
    weight: float
    recent: float
    time: float


def add(connection: sqlite3.Connection, signals: Sequence[Signal], items: Mapping[str, int]) -> list[Count]:
    """Counts purchases and refunds, and says what was counted."""
    counts = []
    for signal in signals:
        if sign := SIGN.get(signal.kind):
            weight = sign * decay.forward(signal.time, decay.POPULARITY_HALF_LIFE)
            recent = sign * decay.forward(signal.time, decay.TREND_HALF_LIFE)
            counts += [Count(items[name], weight, recent, signal.time) for name, _ in signal.items]
    connection.executemany(_ADD, counts)
    return counts


def load(connection: sqlite3.Connection) -> list[Count]:
    """All that was counted."""
    return [Count(*row) for row in connection.execute("SELECT * FROM popularity")]
