"""The view's popularity: a row a product that was ever bought, and one a segment in which it was."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.recsys.domain import decay
from services.recsys.domain.popularity import MOST_SEGMENTS
from services.recsys.domain.signals import Kind, Signal

SCHEMA = """
CREATE TABLE IF NOT EXISTS popularity (
    item INTEGER PRIMARY KEY, weight REAL NOT NULL, recent REAL NOT NULL, last REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS segments (segment INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS segment_popularity (
    segment INTEGER NOT NULL, item INTEGER NOT NULL, weight REAL NOT NULL, PRIMARY KEY (segment, item)
) WITHOUT ROWID;
"""

_ADD = """
INSERT INTO popularity VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    weight = weight + excluded.weight, recent = recent + excluded.recent, last = max(last, excluded.last)"""

_NAME = "INSERT INTO segments (name) SELECT :name WHERE (SELECT count(*) FROM segments) < :most"
_ADD_WITHIN = """
INSERT INTO segment_popularity SELECT segment, :item, :weight FROM segments WHERE name = :segment
    ON CONFLICT DO UPDATE SET weight = weight + excluded.weight"""
_WITHIN = """
SELECT name, item, weight FROM segment_popularity JOIN segments USING (segment) ORDER BY segment, item"""

SIGN = {Kind.PURCHASE: 1.0, Kind.REFUND: -1.0}
"""What each kind adds; the others add nothing."""


class Count(NamedTuple):
    """Forward weights of decay.POPULARITY_HALF_LIFE and TREND_HALF_LIFE, and when."""

    item: int
    weight: float
    recent: float
    time: float


class CountWithin(NamedTuple):
    """A forward weight of decay.POPULARITY_HALF_LIFE in one segment."""

    segment: str
    item: int
    weight: float


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


def add_within(
    connection: sqlite3.Connection, signals: Sequence[Signal], items: Mapping[str, int]
) -> list[CountWithin]:
    """The same in the segments, of which those named first count, MOST_SEGMENTS in all."""
    mine = [signal for signal in signals if signal.segment and signal.kind in SIGN]
    known = {name for (name,) in connection.execute("SELECT name FROM segments")}
    for name in dict.fromkeys(signal.segment for signal in mine):
        if name not in known:
            connection.execute(_NAME, {"name": name, "most": MOST_SEGMENTS})
    counts = [
        CountWithin(
            signal.segment,
            items[product_id],
            SIGN[signal.kind] * decay.forward(signal.time, decay.POPULARITY_HALF_LIFE),
        )
        for signal in mine
        for product_id, _ in signal.items
    ]
    connection.executemany(_ADD_WITHIN, [count._asdict() for count in counts])
    return counts


def load_within(connection: sqlite3.Connection) -> list[CountWithin]:
    """All that was counted in segments, in the order in which they were named."""
    return [CountWithin(*row) for row in connection.execute(_WITHIN)]


def load(connection: sqlite3.Connection) -> list[Count]:
    """All that was counted."""
    return [Count(*row) for row in connection.execute("SELECT * FROM popularity")]
