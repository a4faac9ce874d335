"""The merchant's controls in the view's file, read again only when the log brought one."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

from aisle.search.v1 import control_pb2

from services.kit import logs
from services.kit.log import CONTROLS
from services.kit.views import Database
from services.search.control_wire import control_of
from services.search.domain.controls import Control
from services.search.domain.errors import SearchError

SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS controls (id TEXT PRIMARY KEY, control BLOB NOT NULL) WITHOUT ROWID;"
)
TABLES: Final = ("controls",)
MOST: Final = 1_000
"""Controls that apply; the rest, by id, wait."""

_logger = logs.get(__name__)


def change(connection: sqlite3.Connection, change: control_pb2.ControlChange) -> None:
    """Keeps a control, or forgets it."""
    if change.WhichOneof("change") == "set":
        control = change.set
        row = (control.control_id, control.SerializeToString(deterministic=True))
        connection.execute("INSERT OR REPLACE INTO controls VALUES (?, ?)", row)
    else:
        connection.execute("DELETE FROM controls WHERE id = ?", (change.delete_id,))


def _sound(messages: Sequence[control_pb2.Control]) -> Iterator[Control]:
    """The controls that can be followed; one that another version let in must not stop every search."""
    for message in messages:
        try:
            yield control_of(message)
        except SearchError as error:
            _logger.error("control.refused", control=message.control_id, field=error.field, error=str(error))


class SqliteControls:
    """The Controls port over the view's file."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read: tuple[int, list[Control]] = (0, [])

    def all(self) -> Sequence[Control]:
        """See Controls."""
        position = self._database.position(CONTROLS)
        if position != self._read[0]:
            self._read = position, list(_sound(self.messages()[:MOST]))
        return self._read[1]

    def messages(self) -> list[control_pb2.Control]:
        """The controls as they were set, by id."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT control FROM controls ORDER BY id")
            return [control_pb2.Control.FromString(blob) for (blob,) in rows]

    def text_keys(self, product_ids: Sequence[str]) -> list[int]:
        """See Controls."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT text_key FROM products WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(product_ids)),),
            )
            return [text_key for (text_key,) in rows]
