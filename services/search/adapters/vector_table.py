"""The vectors kept in the view's file, by model and text, so that a restart embeds nothing twice."""

import json
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from services.kit.views import Database
from services.search.domain.ports import Vector, Vectors

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS changed_texts (text_key INTEGER PRIMARY KEY, sequence INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS vectors (
  model TEXT, text_key INTEGER, vector BLOB NOT NULL, PRIMARY KEY (model, text_key)
) WITHOUT ROWID;
"""

_CHUNK: Final = 4_096
_NEXT_MODEL: Final = "SELECT min(model) FROM vectors WHERE model > ?"


class Change(NamedTuple):
    """A text that a product got or lost since the last look; `text` is None when no product has it."""

    key: int
    sequence: int
    text: str | None
    embedded: bool


class VectorTable:
    """Half-precision rows; a text that several products share has one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fill(self, tag: str, vectors: Vectors) -> None:
        """Adds the model's rows to an index, as far as it lacks them."""
        lacking = sorted(self.used() - vectors.keys())
        with self._database.read() as connection:
            for start in range(0, len(lacking), _CHUNK):
                some = connection.execute(
                    "SELECT text_key, vector FROM vectors WHERE model = ?"
                    " AND text_key IN (SELECT value FROM json_each(?))",
                    (tag, json.dumps(lacking[start : start + _CHUNK])),
                ).fetchall()
                blobs = np.frombuffer(b"".join(blob for _, blob in some), np.float16)
                if some:
                    vectors.add([key for key, _ in some], blobs.reshape(len(some), -1).astype(np.float32))

    def changes(self, tag: str) -> list[Change]:
        """Texts that the log changed and nobody settled yet, and whether the model has their vectors."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT text_key, sequence, (SELECT text FROM products AS p WHERE p.text_key = c.text_key),"
                " EXISTS (SELECT 1 FROM vectors AS v WHERE v.model = ? AND v.text_key = c.text_key)"
                " FROM changed_texts AS c",
                (tag,),
            )
            return list(map(Change._make, rows))

    def settled(self, changes: Iterable[Change]) -> None:
        """Forgets changes that were followed; a text that changed once more is told again."""
        with self._database.write() as connection:
            connection.executemany(
                "DELETE FROM changed_texts WHERE text_key = ? AND sequence = ?",
                [(change.key, change.sequence) for change in changes],
            )

    def missing(self, tag: str) -> list[tuple[int, str]]:
        """Texts of products that have no vector of the model, with their keys, shortest first."""
        with self._database.read() as connection:
            return connection.execute(
                "SELECT text_key, min(text) FROM products AS p WHERE NOT EXISTS"
                " (SELECT 1 FROM vectors AS v WHERE v.model = ? AND v.text_key = p.text_key)"
                " GROUP BY text_key ORDER BY length(text)",
                (tag,),
            ).fetchall()

    def keep(self, tag: str, keys: Sequence[int], vectors: Vector) -> None:
        """Writes rows."""
        blobs = [row.tobytes() for row in vectors.astype(np.float16)]
        rows = [(tag, key, blob) for key, blob in zip(keys, blobs, strict=True)]
        with self._database.write() as connection:
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def take(self, tag: str, other: Database) -> None:
        """Copies the model's rows from another file."""
        with other.read() as source, self._database.write() as target:
            rows = source.execute("SELECT model, text_key, vector FROM vectors WHERE model = ?", (tag,))
            target.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?, ?)", rows)

    def drop(self, tag: str, keys: Iterable[int]) -> None:
        """Deletes rows of the model."""
        with self._database.write() as connection:
            connection.executemany(
                "DELETE FROM vectors WHERE model = ? AND text_key = ?", [(tag, key) for key in keys]
            )

    def models(self) -> list[str]:
        """The tags that have rows; the key is stepped through, for there may be millions of them."""
        with self._database.read() as connection:
            found = [""]
            while (row := connection.execute(_NEXT_MODEL, (found[-1],)).fetchone()) and row[0]:
                found.append(row[0])
            return found[1:]

    def drop_other_models(self, tag: str) -> None:
        """Deletes the rows of every model but this."""
        for other in self.models():
            if other != tag:
                with self._database.write() as connection:
                    connection.execute("DELETE FROM vectors WHERE model = ?", (other,))

    def used(self) -> set[int]:
        """Keys of the texts that products have."""
        with self._database.read() as connection:
            return {key for (key,) in connection.execute("SELECT DISTINCT text_key FROM products")}
