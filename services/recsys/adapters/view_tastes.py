"""The view's tastes: what each shopper bought and looked at, a row a shopper and product."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import decay
from services.recsys.domain.signals import TASTE, Kind, Signal
from services.recsys.domain.taste import MAX_ITEMS, Taste, empty

SCHEMA = """
CREATE TABLE IF NOT EXISTS taste (
    shopper INTEGER NOT NULL, item INTEGER NOT NULL, pieces INTEGER NOT NULL, times INTEGER NOT NULL,
    bought REAL NOT NULL, looked REAL NOT NULL, last REAL NOT NULL, PRIMARY KEY (shopper, item)
) WITHOUT ROWID;
"""

_ADD = {
    # A refund may come before its order: pieces are then below 0 until the order comes.
    Kind.PURCHASE: """
INSERT INTO taste VALUES (:shopper, :item, :pieces, 1, :weight, 0, :time) ON CONFLICT DO UPDATE SET
    times = times + (pieces + :pieces > 0), bought = bought + (pieces + :pieces > 0) * :weight,
    pieces = pieces + :pieces, last = max(last, :time)""",
    Kind.REFUND: """
INSERT INTO taste VALUES (:shopper, :item, -:pieces, 0, 0, 0, :time) ON CONFLICT DO UPDATE SET
    times = CASE WHEN pieces > :pieces THEN times ELSE 0 END,
    bought = CASE WHEN pieces > :pieces THEN bought * (pieces - :pieces) / pieces ELSE 0 END,
    pieces = CASE WHEN pieces > 0 THEN max(0, pieces - :pieces) ELSE pieces - :pieces END,
    last = max(last, :time)""",
    Kind.INTEREST: """
INSERT INTO taste VALUES (:shopper, :item, 0, 0, 0, max(0, :weight), :time) ON CONFLICT DO UPDATE SET
    looked = max(0, looked + :weight), last = max(last, :time)""",
}
_TASTE = f"""
SELECT item, pieces, times, bought, looked, last FROM taste
WHERE shopper = ? ORDER BY last DESC LIMIT {MAX_ITEMS}"""


def add(
    connection: sqlite3.Connection,
    signals: Sequence[Signal],
    shoppers: Mapping[str, int],
    items: Mapping[str, int],
) -> None:
    """Takes signals, in order; those of other kinds say nothing here."""
    mine = [signal for signal in signals if signal.kind in TASTE]
    for kind, run in groupby(mine, lambda signal: signal.kind):
        rows = [row for signal in run for row in _rows(signal, shoppers[signal.shopper], items)]
        connection.executemany(_ADD[kind], rows)


def read(connection: sqlite3.Connection, shoppers: Sequence[int], rows: NDArray[np.int64]) -> Taste:
    """The taste of the first shopper who has one; `rows` holds the catalogue's row of each item."""
    for shopper in shoppers:
        found = connection.execute(_TASTE, (shopper,)).fetchall()
        # An item of a batch that is committed but not yet in memory is left for the next answer.
        if found := [row for row in found if row[0] < len(rows)]:
            items, pieces, times, bought, looked, last = zip(*found, strict=True)
            return Taste(
                rows[list(items)],
                np.array(pieces, np.int64),
                np.array(times, np.int64),
                np.array(bought, np.float64),
                np.array(looked, np.float64),
                np.array(last, np.float64),
            )
    return empty()


def _rows(signal: Signal, shopper: int, items: Mapping[str, int]) -> Iterator[dict[str, int | float]]:
    half_life = decay.INTEREST_HALF_LIFE if signal.kind is Kind.INTEREST else decay.PURCHASE_HALF_LIFE
    weight = signal.strength * decay.forward(signal.time, half_life)
    for product_id, pieces in signal.items:
        yield {
            "shopper": shopper,
            "item": items[product_id],
            "pieces": pieces,
            "weight": weight,
            "time": signal.time,
        }
