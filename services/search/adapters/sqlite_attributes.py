"""The values of the catalogue's attributes in the view's file, kept with each product that comes or goes."""

import json
import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from services.search.domain.attributes import FEW_NUMBERS, Value

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS attribute_values (
  name TEXT, key TEXT, text TEXT, number REAL, products INTEGER NOT NULL, PRIMARY KEY (name, key, text)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS attribute_values_by_key ON attribute_values (key);
"""

TABLES: Final = ("attribute_values",)


class AttributeValues:
    """What one batch changes; values are written once a batch."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._products: Counter[Value] = Counter()

    def add(self, values: Iterable[Value]) -> None:
        """Counts a product's values."""
        self._products.update(values)

    def remove(self, values: Iterable[Value]) -> None:
        """Takes them out again."""
        self._products.subtract(values)

    def write(self) -> None:
        """Writes the counts; a value that no product has any more is gone."""
        rows = [(*value, change) for value, change in sorted(self._products.items()) if change]
        self._connection.executemany(
            "INSERT INTO attribute_values (name, key, text, number, products) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET products = products + excluded.products",
            rows,
        )
        gone = [row[:3] for row in rows if row[4] < 0]
        self._connection.executemany(
            "DELETE FROM attribute_values WHERE name = ? AND key = ? AND text = ? AND products <= 0", gone
        )


def packed(values: Iterable[Value]) -> str:
    """A product's values as the view keeps them."""
    return json.dumps(list(values), ensure_ascii=False)


def unpacked(text: str) -> list[Value]:
    """A product's values again."""
    return list(map(Value._make, json.loads(text)))


def shown(connection: sqlite3.Connection, name: str, keys: Sequence[str]) -> Mapping[str, str]:
    """The text of each key, in the spelling that comes first."""
    rows = connection.execute(
        "SELECT key, min(text) FROM attribute_values WHERE name = ?"
        " AND key IN (SELECT value FROM json_each(?)) GROUP BY key",
        (name, json.dumps(list(keys))),
    )
    return dict(rows)


def between(
    connection: sqlite3.Connection, name: str, minimum: float | None, below: float | None
) -> list[str]:
    """Keys of an attribute's numbers from the one up to, not including, the other."""
    rows = connection.execute(
        "SELECT DISTINCT key FROM attribute_values"
        " WHERE name = ? AND number >= ? AND number < ? ORDER BY key",
        (name, -math.inf if minimum is None else minimum, math.inf if below is None else below),
    )
    return [key for (key,) in rows]


def ranged(connection: sqlite3.Connection, name: str) -> bool:
    """Whether an attribute has many numbers and nothing else."""
    every, numbers, different = connection.execute(
        "SELECT count(*), count(number), count(DISTINCT number) FROM attribute_values WHERE name = ?", (name,)
    ).fetchone()
    return bool(every == numbers and different > FEW_NUMBERS)


def saying(connection: sqlite3.Connection, keys: Sequence[str]) -> list[tuple[str, str, str, int]]:
    """Name, key, text and products of the values whose key is one of these."""
    rows = connection.execute(
        "SELECT name, key, min(text), sum(products) FROM attribute_values"
        " WHERE key IN (SELECT value FROM json_each(?)) GROUP BY name, key",
        (json.dumps(list(keys)),),
    )
    return [tuple(row) for row in rows]
