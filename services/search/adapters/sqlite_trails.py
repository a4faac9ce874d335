"""What shoppers did around their searches, in the view's file: what they typed next and what they clicked.

Bounded whatever is typed: of a query its MOST commonest ends of each kind, of a trail the marks of the first
COUNTED shoppers, and of visits a table of SLOTS that later ones overwrite. A view built anew is the same.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import Final

from aisle.events.v1 import event_pb2

from services.kit.views import Database
from services.search.adapters.sqlite_completions import OFFERED
from services.search.domain import history
from services.search.domain.similar import Trail

TABLES: Final = ("trails", "visits")

VISIT_SECONDS: Final = 1_800.0
"""After so long what is typed or clicked has nothing to do with the search before."""

MOST: Final = 32
"""Ends that are kept of a query's trails of a kind; the least walked goes where one more comes."""

COUNTED: Final = 64
"""Shoppers of a trail that are told apart; beyond, every walk counts."""

LEADING: Final = 50
"""Queries of a product that are looked at."""

SLOTS: Final = 2**16
"""Visits that are kept; two shoppers of one slot end each other's visit, and lose a trail at most."""

CLICKS: Final = frozenset(
    (
        event_pb2.EVENT_TYPE_PRODUCT_CLICKED,
        event_pb2.EVENT_TYPE_PRODUCT_VIEWED,
        event_pb2.EVENT_TYPE_PRODUCT_ADDED,
    )
)
_TYPED: Final = "typed"
_CLICKED: Final = "clicked"
_MARK: Final = 4

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS trails (
  kind TEXT, query TEXT, target TEXT, shoppers INTEGER NOT NULL, marks BLOB NOT NULL,
  PRIMARY KEY (kind, query, target)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS trails_by_product ON trails (target, shoppers DESC, query) WHERE kind = 'clicked';
CREATE TABLE IF NOT EXISTS visits (
  slot INTEGER PRIMARY KEY, who BLOB NOT NULL, query TEXT NOT NULL, time REAL NOT NULL
);
"""


def take(connection: sqlite3.Connection, event: event_pb2.Event, time: float) -> None:
    """Keeps what an event tells; `time` in seconds."""
    if event.type == event_pb2.EVENT_TYPE_PRODUCTS_SEARCHED:
        _searched(connection, history.person(event.visitor_id, event.user_id), event.search_query, time)
    elif event.type in CLICKS:
        who = history.person(event.visitor_id, event.user_id)
        if query := _last(connection, who, time):
            for product_id in sorted({detail.product_id for detail in event.product_details}):
                _walked(connection, _CLICKED, query, product_id, who)


def _searched(connection: sqlite3.Connection, who: bytes, typed: str, time: float) -> None:
    query, before = history.kept(typed), _last(connection, who, time)
    if query and before and query != before:
        _walked(connection, _TYPED, before, query, who)
        _walked(connection, _TYPED, query, before, who)
    row = (_slot(who), who, query, time)
    connection.execute("INSERT OR REPLACE INTO visits VALUES (?, ?, ?, ?)", row)


def _last(connection: sqlite3.Connection, who: bytes, time: float) -> str:
    """What was last searched for in the visit; "" for nothing that may be kept."""
    row = connection.execute(
        "SELECT query FROM visits WHERE slot = ? AND who = ? AND time BETWEEN ? AND ?",
        (_slot(who), who, time - VISIT_SECONDS, time),
    ).fetchone()
    return str(row[0]) if row else ""


def _slot(who: bytes) -> int:
    return int.from_bytes(who, "big") % SLOTS


def _walked(connection: sqlite3.Connection, kind: str, query: str, target: str, who: bytes) -> None:
    trail, mark = (kind, query, target), who[:_MARK]
    where = "kind = ? AND query = ? AND target = ?"
    row = connection.execute(f"SELECT marks FROM trails WHERE {where}", trail).fetchone()
    if row is None:
        _make_room(connection, kind, query)
        connection.execute("INSERT INTO trails VALUES (?, ?, ?, 1, ?)", (*trail, mark))
    elif len(row[0]) == COUNTED * _MARK:
        connection.execute(f"UPDATE trails SET shoppers = shoppers + 1 WHERE {where}", trail)
    elif mark not in (row[0][at : at + _MARK] for at in range(0, len(row[0]), _MARK)):
        more = f"UPDATE trails SET shoppers = shoppers + 1, marks = ? WHERE {where}"
        connection.execute(more, (row[0] + mark, *trail))


def _make_room(connection: sqlite3.Connection, kind: str, query: str) -> None:
    """Where the query has MOST ends, the least walked goes, the last by its name of several."""
    ends = connection.execute(
        "SELECT target FROM trails WHERE kind = ? AND query = ? ORDER BY shoppers, target DESC", (kind, query)
    ).fetchall()
    if len(ends) >= MOST:
        connection.execute(
            "DELETE FROM trails WHERE kind = ? AND query = ? AND target = ?", (kind, query, *ends[0])
        )


class SqliteTrails:
    """The Trails port over the view's file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beside(self, query: str) -> Sequence[Trail]:
        """See Trails."""
        return self._from(_TYPED, query)

    def clicked(self, query: str) -> Sequence[Trail]:
        """See Trails."""
        return self._from(_CLICKED, query)

    def leading(self, product_id: str) -> Sequence[Trail]:
        """See Trails."""
        return self._trails(
            "SELECT query, shoppers FROM trails WHERE kind = 'clicked' AND target = ?"
            f" ORDER BY shoppers DESC, query LIMIT {LEADING}",
            (product_id,),
        )

    def offered(self, queries: Sequence[str]) -> set[str]:
        """See Trails."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT key FROM queries WHERE key IN (SELECT value FROM json_each(?)) AND {OFFERED}",
                (json.dumps(queries),),
            )
            return {text for (text,) in rows}

    def _from(self, kind: str, query: str) -> Sequence[Trail]:
        return self._trails(
            "SELECT target, shoppers FROM trails WHERE kind = ? AND query = ? ORDER BY shoppers DESC, target",
            (kind, query),
        )

    def _trails(self, sql: str, values: tuple[object, ...]) -> Sequence[Trail]:
        with self._database.read() as connection:
            return [Trail(*row) for row in connection.execute(sql, values)]
