"""What models saw of the catalogue's pictures, by generation: one answers while the next is made beside it.

It is derived and can be made again, yet lies in the view's own file: so a change of the log reaches the
pictures and both generations in one transaction, and a kill leaves none of them behind.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from services.kit.views import Database
from services.vision.domain.image import THUMBNAIL_SIDE
from services.vision.domain.seen import Vector

DERIVED: Final = """
-- The model whose vectors answer, and the one whose are being made, if any.
CREATE TABLE IF NOT EXISTS generations (model TEXT PRIMARY KEY, answers INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vectors (
    source TEXT NOT NULL, model TEXT NOT NULL, vector BLOB NOT NULL, thumbnail BLOB NOT NULL,
    PRIMARY KEY (source, model)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS vectors_model ON vectors (model);
-- Pictures that each is still to see, so that what is new is found without looking at what is old.
CREATE TABLE IF NOT EXISTS unseen (
    model TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (model, key)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Source:
    """A distinct picture: its bytes, or where they are."""

    key: str
    uri: str | None
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Looked:
    """What is kept of a picture: the model's embedding, and the bytes of a thumbnail."""

    vector: Vector
    thumbnail: bytes


class Now(NamedTuple):
    """The models of the two generations; empty for one that there is not."""

    answers: str
    comes: str


class Generations:
    """At most two at a time. Any thread may ask."""

    def __init__(self, database: Database) -> None:
        """In the view's file."""
        self._database = database

    def now(self) -> Now:
        """Which they are."""
        with self._database.read() as connection:
            found = dict(connection.execute("SELECT answers, model FROM generations"))
        return Now(found.get(1, ""), found.get(0, ""))

    def begin(self, model: str) -> None:
        """Has a model's vectors made, beside those that answer; where none answer, these do as they come.

        Another that was being made is given up. What was refused before is to be seen again.
        """
        with self._database.write() as connection:
            connection.execute("DELETE FROM generations WHERE model <> ? AND NOT answers", (model,))
            connection.execute(
                "INSERT OR IGNORE INTO generations "
                "VALUES (?, NOT EXISTS (SELECT 1 FROM generations WHERE answers))",
                (model,),
            )
            connection.execute("DELETE FROM unseen WHERE model NOT IN (SELECT model FROM generations)")
            connection.execute(
                "INSERT OR IGNORE INTO unseen SELECT model, key FROM generations, sources WHERE NOT EXISTS "
                "(SELECT 1 FROM vectors WHERE vectors.source = key AND vectors.model = generations.model)"
            )

    def answer(self, model: str) -> None:
        """Makes a model's vectors those that answer, and has no other; what others saw is left to `sweep`."""
        with self._database.write() as connection:
            connection.execute("INSERT OR REPLACE INTO generations VALUES (?, 1)", (model,))
            connection.execute("DELETE FROM generations WHERE model <> ?", (model,))
            connection.execute("DELETE FROM unseen WHERE model <> ?", (model,))

    def sweep(self, count: int) -> int:
        """Drops up to so many vectors of generations that are gone; returns how many it found."""
        with self._database.write() as connection:
            stale = connection.execute(
                "SELECT model FROM vectors WHERE model NOT IN (SELECT model FROM generations) LIMIT 1"
            ).fetchone()
            if stale is None:
                return 0
            return connection.execute(
                "DELETE FROM vectors WHERE model = ?1 "
                "AND source IN (SELECT source FROM vectors WHERE model = ?1 LIMIT ?2)",
                (*stale, count),
            ).rowcount

    def unseen(self, model: str, after: str, count: int) -> list[Source]:
        """Pictures that a model is still to see, in the order of their keys, from the one after `after`."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT sources.* FROM unseen JOIN sources USING (key) "
                "WHERE model = ? AND key > ? ORDER BY key LIMIT ?",
                (model, after, count),
            )
            return [Source(*row) for row in rows]

    def lacking(self) -> list[str]:
        """The pictures that what answers has seen, or cannot, and what comes is still to see."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT key FROM unseen JOIN generations USING (model) WHERE NOT answers "
                "EXCEPT SELECT key FROM unseen JOIN generations USING (model) WHERE answers"
            )
            return [key for (key,) in rows]

    def keep(self, model: str, seen: Mapping[str, Looked]) -> None:
        """Keeps what a model saw in pictures; one that is gone meanwhile is passed over."""
        rows = [
            (model, one.vector.astype(np.float32).tobytes(), one.thumbnail, key) for key, one in seen.items()
        ]
        with self._database.write() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO vectors SELECT key, ?, ?, ? FROM sources WHERE key = ?", rows
            )
            connection.executemany(
                "DELETE FROM unseen WHERE model = ? AND key = ?", [(model, key) for key in seen]
            )

    def refuse(self, key: str) -> None:
        """Takes a picture that cannot be read off what is to be seen."""
        with self._database.write() as connection:
            _unexpect(connection, key)

    def counts(self, model: str) -> tuple[int, int]:
        """How many pictures a model has seen, and how many it is still to see."""
        with self._database.read() as connection:
            (seen,) = connection.execute("SELECT COUNT(*) FROM vectors WHERE model = ?", (model,)).fetchone()
            (unseen,) = connection.execute("SELECT COUNT(*) FROM unseen WHERE model = ?", (model,)).fetchone()
        return seen, unseen

    def seen_keys(self, model: str) -> set[str]:
        """The pictures that a model has seen."""
        with self._database.read() as connection:
            return {
                key for (key,) in connection.execute("SELECT source FROM vectors WHERE model = ?", (model,))
            }

    def vectors(self, model: str, keys: Iterable[str]) -> list[tuple[str, Vector]]:
        """What a model saw in these pictures."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT source, vector FROM vectors WHERE model = ? "
                "AND source IN (SELECT value FROM json_each(?))",
                (model, json.dumps(list(keys))),
            )
            return [(key, np.frombuffer(vector, np.float32)) for key, vector in rows]

    def thumbnails(self, keys: Sequence[str]) -> npt.NDArray[np.float32]:
        """See similar.Thumbnails; they do not depend on the model."""
        found = np.full((len(keys), 3 * THUMBNAIL_SIDE**2), np.nan, np.float32)
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT source, thumbnail FROM vectors WHERE source IN (SELECT value FROM json_each(?))",
                (json.dumps(list(keys)),),
            )
            kept = {key: np.frombuffer(small, np.uint8) for key, small in rows}
        for row, key in zip(found, keys, strict=True):
            if key in kept:
                row[:] = kept[key]
        return found


def expect(connection: sqlite3.Connection, key: str) -> None:
    """A picture is new: every generation is to see it."""
    connection.execute("INSERT OR IGNORE INTO unseen SELECT model, ? FROM generations", (key,))


def forget(connection: sqlite3.Connection, key: str) -> None:
    """A picture is gone: from every generation."""
    connection.execute("DELETE FROM vectors WHERE source = ?", (key,))
    _unexpect(connection, key)


def _unexpect(connection: sqlite3.Connection, key: str) -> None:
    connection.execute(
        "DELETE FROM unseen WHERE key = ? AND model IN (SELECT model FROM generations)", (key,)
    )
