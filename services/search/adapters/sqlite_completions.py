"""What completions are made of, in the view's file: names and titles of the catalogue, and past queries.

However many products begin alike, a look reads a bounded number of rows: popular queries stand in an index
for each short opening, most used first, and of titles only the first in the alphabet are compared.
"""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from services.kit.views import Database
from services.search.domain import history
from services.search.domain.history import SHOPPERS
from services.search.domain.ports import Suggestion
from services.search.domain.product import LEVEL
from services.search.domain.text import clean, key

TABLES: Final = ("terms", "queries", "searchers")

OPENINGS: Final = range(1, 5)
"""Characters of the openings whose queries are kept in order of use."""

COMPARED: Final = 1_000
"""Titles and longer queries that begin alike, first in the alphabet, of which the most used are told."""

MANY: Final = 100
"""Terms that begin alike, up to which they are counted."""

STARTS: Final = 4
"""Words of a brand or a category at which it is found."""

OFFERED: Final = f"visitors >= {SHOPPERS} AND users >= {SHOPPERS}"
_BY_OPENING: Final = "".join(
    f"CREATE INDEX IF NOT EXISTS queries_by_opening_{length}"
    f" ON queries (substr(key, 1, {length}), uses DESC, key) WHERE {OFFERED};\n"
    for length in OPENINGS
)

SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS terms (
  source TEXT, start TEXT, text TEXT, whole INTEGER NOT NULL, products INTEGER NOT NULL,
  PRIMARY KEY (source, start, text)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queries (
  key TEXT PRIMARY KEY, uses INTEGER NOT NULL, visitors INTEGER NOT NULL, users INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS queries_by_use ON queries (uses DESC, key) WHERE {OFFERED};
{_BY_OPENING}
CREATE TABLE IF NOT EXISTS searchers (
  key TEXT, kind TEXT, who BLOB, last INTEGER NOT NULL, PRIMARY KEY (key, kind, who)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS searchers_by_who ON searchers (who, key) WHERE kind = 'user';
"""

_BETWEEN: Final = "start >= ? AND start < ?"
_LAST: Final = "\U0010ffff"
_WORD_START: Final = re.compile(r"(?<!\S)\w")


def add_terms(connection: sqlite3.Connection, title: str, brand: str, categories: Iterable[str]) -> None:
    """Counts a product's title, brand and categories (paths with all above them)."""
    connection.executemany(
        "INSERT INTO terms VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET products = products + excluded.products",
        [(*term, count) for term, count in _terms(title, brand, categories).items()],
    )


def remove_terms(connection: sqlite3.Connection, title: str, brand: str, categories: Iterable[str]) -> None:
    """Takes them out again."""
    terms = [(count, *term[:3]) for term, count in _terms(title, brand, categories).items()]
    where = "WHERE source = ? AND start = ? AND text = ?"
    connection.executemany(f"UPDATE terms SET products = products - ? {where}", terms)
    connection.executemany(f"DELETE FROM terms {where} AND products <= 0", [term[1:] for term in terms])


def add_query(
    connection: sqlite3.Connection, sequence: int, query: str, visitor_id: str, user_id: str
) -> None:
    """Counts a query that may be kept, and who made it; `sequence` is the event's place in the log."""
    connection.execute(
        "INSERT INTO queries VALUES (?, 1, 0, 0) ON CONFLICT DO UPDATE SET uses = uses + 1", (query,)
    )
    for kind, who in history.searchers(visitor_id, user_id):
        again = connection.execute(
            "UPDATE searchers SET last = ? WHERE key = ? AND kind = ? AND who = ?",
            (sequence, query, kind, who),
        )
        if not again.rowcount:
            connection.execute("INSERT INTO searchers VALUES (?, ?, ?, ?)", (query, kind, who, sequence))
            column = f"{kind}s"
            connection.execute(f"UPDATE queries SET {column} = {column} + 1 WHERE key = ?", (query,))


def _terms(title: str, brand: str, categories: Iterable[str]) -> Counter[tuple[str, str, str, bool]]:
    """(source, start, text, whether the start is the whole), each level of the categories once.

    A title is found by its beginning, and by what follows its brand: "galaxy s21" is a Samsung.
    """
    names = {("category", path.rsplit(LEVEL, 1)[-1]) for path in categories} | {("brand", clean(brand))}
    found = Counter(
        (source, start, text, start == key(text)) for source, text in names for start in _starts(key(text))
    )
    whole, maker = key(title), key(brand)
    starts = {whole, whole.removeprefix(f"{maker} ") if maker else whole} - {""}
    found.update(("product", start, clean(title), start == whole) for start in starts)
    return found


def _starts(name: str) -> list[str]:
    """The name from each of its first words on; none of an empty one."""
    return [name[word.start() :] for word in islice(_WORD_START.finditer(name), STARTS)]


def _some(source: str) -> str:
    """How many terms of a source begin with a value, as far as it matters."""
    terms = f"terms WHERE source = '{source}' AND start >= value AND start < value || '{_LAST}'"
    return f"(SELECT count(*) FROM (SELECT 1 FROM {terms} LIMIT {MANY}))"


class SqliteCompletions:
    """The Completions port over the view's file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def own_queries(self, who: bytes, prefix: str, limit: int) -> list[str]:
        """See Completions."""
        return self._texts(
            "SELECT key FROM searchers WHERE kind = 'user' AND who = ? AND key >= ? AND key < ?"
            " ORDER BY last DESC LIMIT ?",
            (who, prefix, prefix + _LAST, limit),
        )

    def popular_queries(self, prefix: str, limit: int) -> list[str]:
        """See Completions."""
        if len(prefix) in OPENINGS:
            where: str = f"substr(key, 1, {len(prefix)}) = ?"
            return self._texts(
                f"SELECT key FROM queries WHERE {where} AND {OFFERED} ORDER BY uses DESC, key LIMIT ?",
                (prefix, limit),
            )
        if not prefix:
            return self._texts(
                f"SELECT key FROM queries WHERE {OFFERED} ORDER BY uses DESC, key LIMIT ?", (limit,)
            )
        return self._texts(
            "SELECT key FROM (SELECT key, uses FROM queries"
            f" WHERE key >= ? AND key < ? AND {OFFERED} LIMIT {COMPARED}) ORDER BY uses DESC, key LIMIT ?",
            (prefix, prefix + _LAST, limit),
        )

    def terms(self, prefix: str, limit: int) -> list[Suggestion]:
        """See Completions."""
        between = (prefix, prefix + _LAST, limit)
        with self._database.read() as connection:
            names = connection.execute(
                f"SELECT text, source FROM terms WHERE source IN ('brand', 'category') AND {_BETWEEN}"
                " GROUP BY source, text ORDER BY max(whole) DESC, max(products) DESC, text, source LIMIT ?",
                between,
            ).fetchall()
            titles = connection.execute(
                "SELECT text, source FROM (SELECT * FROM terms"
                f" WHERE source = 'product' AND {_BETWEEN} LIMIT {COMPARED})"
                " GROUP BY text ORDER BY max(products) DESC, min(start), text LIMIT ?",
                between,
            ).fetchall()
        return [Suggestion(*row) for row in (*names, *titles)]

    def beginnings(self, prefixes: Sequence[str]) -> Mapping[str, int]:
        """See Completions."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT value, (SELECT max(products) FROM vocabulary"
                f" WHERE word >= value AND word < value || '{_LAST}') AS products"
                " FROM json_each(?) WHERE products > 0",
                (json.dumps(list(prefixes)),),
            )
            return dict(rows)

    def begun(self, prefixes: Sequence[str]) -> Mapping[str, int]:
        """See Completions."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT value, ({' + '.join(map(_some, ('product', 'brand', 'category')))}) AS some"
                " FROM json_each(?) WHERE some > 0",
                (json.dumps(list(prefixes)),),
            )
            return dict(rows)

    def _texts(self, sql: str, values: tuple[object, ...]) -> list[str]:
        with self._database.read() as connection:
            return [text for (text,) in connection.execute(sql, values)]
