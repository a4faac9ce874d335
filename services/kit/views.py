"""A service's own view of the log: a SQLite file that commits its rows and its log position together.

The file is the snapshot. Killed at any moment, a view comes back at the position of its last commit and
catches up from there. What it stores for one stream must depend on that stream's records alone, not on
the clock, on other streams or on where batches end: then a view rebuilt from an empty disk is the same.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from services.kit.log import Record

_POSITIONS = """
CREATE TABLE IF NOT EXISTS _positions (stream TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID
"""

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"


class View(Protocol):
    """What a Follower keeps up to date."""

    streams: Sequence[str]

    def position(self, stream: str) -> int:
        """The sequence of the last record of the stream that the view holds, 0 for none."""
        ...

    def apply(self, records: Sequence[Record]) -> None:
        """Takes the next records of one stream, in order, all or none of them."""
        ...

    def clear(self) -> None:
        """Forgets everything: the log it was built from is not the one that is there now."""
        ...


class Database:
    """The SQLite file of a view. Any thread may read; writes are one at a time.

    `schema` is SQL that creates the tables; with another `version` than the file's, the file is begun anew.
    """

    def __init__(self, path: Path, schema: str, version: int) -> None:
        self.path = path
        self._schema = schema
        self._version = version
        self._writing = threading.RLock()
        self._pool: list[sqlite3.Connection] = []
        self._pool_lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = self._open()
        found = int(self._writer.execute("PRAGMA user_version").fetchone()[0])
        if found not in (0, version):
            self.clear()
        else:
            self._create()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=30)
        connection.execute("PRAGMA journal_mode = WAL")
        # A power cut may lose the last commits, never half of one: the log has them still.
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def _create(self) -> None:
        version = f"PRAGMA user_version = {self._version}"
        self._writer.executescript(f"BEGIN; {_POSITIONS}; {self._schema}; {version}; COMMIT")

    def clear(self) -> None:
        """Drops every table and creates them empty. Readers of before finish on what they see."""
        with self._writing:
            with self.write() as connection:
                # A virtual table takes its shadow tables along, which cannot be dropped by themselves.
                for pattern in ("CREATE VIRTUAL%", "CREATE TABLE%"):
                    for (name,) in connection.execute(_TABLES + " AND sql LIKE ?", (pattern,)).fetchall():
                        connection.execute(f'DROP TABLE IF EXISTS "{name}"')
            self._create()

    def position(self, stream: str) -> int:
        """The sequence of the last record of the stream that is committed, 0 for none."""
        with self.read() as connection:
            row = connection.execute("SELECT sequence FROM _positions WHERE stream = ?", (stream,)).fetchone()
        return int(row[0]) if row else 0

    @contextmanager
    def batch(self, records: Sequence[Record]) -> Iterator[sqlite3.Connection]:
        """One transaction for these records of the log; commits their positions with it."""
        with self.write() as connection:
            yield connection
            positions = {record.stream: record.sequence for record in records}
            connection.executemany("INSERT OR REPLACE INTO _positions VALUES (?, ?)", positions.items())

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction beside the log, for what can be derived again; rolled back on any exception."""
        with self._writing:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A consistent read of what is committed, from any thread; never waits for a writer."""
        with self._pool_lock:
            connection = self._pool.pop() if self._pool else None
        connection = connection or self._open()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")
            with self._pool_lock:
                self._pool.append(connection)

    def digest(self, *tables: str) -> str:
        """A hash of the content of tables (all of the view's own, when none is named), to compare views."""
        hasher = hashlib.sha256()
        with self.read() as connection:
            named = tables or [name for (name,) in connection.execute(_TABLES + " ORDER BY name")]
            for table in named:
                columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
                order = ", ".join(f'"{column}"' for column in columns)
                hasher.update(table.encode())
                for row in connection.execute(f'SELECT {order} FROM "{table}" ORDER BY {order}'):
                    hasher.update(repr(row).encode())
        return hasher.hexdigest()

    def close(self) -> None:
        """Closes every connection."""
        with self._writing, self._pool_lock:
            for connection in self._pool:
                connection.close()
            self._pool.clear()
            self._writer.close()


def positions(view: View) -> Mapping[str, int]:
    """Where a view stands in each of its streams."""
    return {stream: view.position(stream) for stream in view.streams}
