"""The numbers that stand for ids in the view's tables: shoppers, devices and visits alike, and items.

Given in the order in which EVENTS first names them, so that a view rebuilt from the log has the same.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from services.recsys.domain.signals import Signal

SCHEMA = """
CREATE TABLE IF NOT EXISTS shoppers (shopper INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS items (
    item INTEGER PRIMARY KEY, product_id TEXT NOT NULL UNIQUE, since REAL NOT NULL
);
"""


def shoppers(connection: sqlite3.Connection, signals: Sequence[Signal]) -> dict[str, int]:
    """The numbers of all keys in a batch, new ones for new keys."""
    names = (name for signal in signals for name in (signal.shopper, signal.device, signal.session) if name)
    found = {}
    for name in dict.fromkeys(names):
        connection.execute("INSERT OR IGNORE INTO shoppers (name) VALUES (?)", (name,))
        number = shopper(connection, name)
        assert number is not None
        found[name] = number
    return found


def shopper(connection: sqlite3.Connection, name: str) -> int | None:
    """The number of one key, None when no event named it."""
    row = connection.execute("SELECT shopper FROM shoppers WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else None


def known(connection: sqlite3.Connection, names: Iterable[str]) -> list[int]:
    """The numbers of those keys that an event named, in order."""
    return [number for name in names if (number := shopper(connection, name)) is not None]


def first_named(signals: Sequence[Signal]) -> dict[str, float]:
    """When, by their own time, the signals first name each product, in the order of the log."""
    found: dict[str, float] = {}
    for signal in signals:
        for product_id, _ in signal.items:
            found[product_id] = min(found.get(product_id, signal.time), signal.time)
    return found


def items(connection: sqlite3.Connection, named: dict[str, float], old: dict[str, int]) -> dict[str, int]:
    """Numbers for products that no event named before; all of them remember their earliest time."""
    unknown = [product_id for product_id in named if product_id not in old]
    new = {product_id: number for number, product_id in enumerate(unknown, len(old) + 1)}
    connection.executemany(
        "INSERT INTO items VALUES (?, ?, ?)",
        [(number, product_id, named[product_id]) for product_id, number in new.items()],
    )
    connection.executemany(
        "UPDATE items SET since = ? WHERE item = ? AND since > ?",
        [(time, old[product_id], time) for product_id, time in named.items() if product_id in old],
    )
    return new


def load_items(connection: sqlite3.Connection) -> tuple[dict[str, int], list[float]]:
    """Every item's number by its id, in order, and when it was first named."""
    rows = connection.execute("SELECT product_id, item, since FROM items ORDER BY item").fetchall()
    return {product_id: item for product_id, item, _ in rows}, [since for _, _, since in rows]
