"""The shop's words in the view's file: which there are, which are spelled alike, which are names."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from services.kit.views import Database
from services.search.domain.query.lexicon import Named, Spelled
from services.search.domain.text import words

SHORTEST, LONGEST = 3, 24
SAMPLE: Final = 1_000
"""Products that tell the shop's currency."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS vocabulary (word TEXT PRIMARY KEY, products INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS misspellings (key TEXT, word TEXT, PRIMARY KEY (key, word)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS numbers (number TEXT, id TEXT, PRIMARY KEY (number, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS numbers_by_product ON numbers (id);
"""

TABLES: Final = ("vocabulary", "misspellings", "numbers")


def add(connection: sqlite3.Connection, product_id: str, gtin: str, texts: Iterable[str]) -> None:
    """Counts the words of a product's title, brand and categories, and keeps its numbers."""
    numbers = {(number, product_id) for number in (product_id.casefold(), gtin) if number}
    connection.executemany("INSERT INTO numbers VALUES (?, ?)", sorted(numbers))
    for word in _spelled(texts):
        counted = connection.execute(
            "INSERT INTO vocabulary VALUES (?, 1) ON CONFLICT DO UPDATE SET products = products + 1"
            " RETURNING products",
            (word,),
        ).fetchone()
        if counted == (1,):
            keys = [(key, word) for key in sorted(_shortened(word))]
            connection.executemany("INSERT INTO misspellings VALUES (?, ?)", keys)


def remove(connection: sqlite3.Connection, product_id: str, texts: Iterable[str]) -> None:
    """Takes a product's words and numbers out again."""
    connection.execute("DELETE FROM numbers WHERE id = ?", (product_id,))
    for word in _spelled(texts):
        left = connection.execute(
            "UPDATE vocabulary SET products = products - 1 WHERE word = ? RETURNING products", (word,)
        ).fetchone()
        if left == (0,):
            connection.execute("DELETE FROM vocabulary WHERE word = ?", (word,))
            keys = [(key, word) for key in _shortened(word)]
            connection.executemany("DELETE FROM misspellings WHERE key = ? AND word = ?", keys)


def _spelled(texts: Iterable[str]) -> list[str]:
    """The distinct words of letters: numbers and codes are not misspelled into one another."""
    found = {word for text in texts for word in words(text)}
    return sorted(word for word in found if SHORTEST <= len(word) <= LONGEST and word.isalpha())


def _shortened(word: str) -> set[str]:
    """The word, and the word less each letter: two words one edit apart share one of these (FastSS)."""
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}


class SqliteLexicon:
    """The Lexicon port over the view's file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def spelled_like(self, word: str) -> list[Spelled]:
        """See Lexicon."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT DISTINCT word, products FROM misspellings JOIN vocabulary USING (word)"
                " WHERE key IN (SELECT value FROM json_each(?))",
                (json.dumps(sorted(_shortened(word))),),
            )
            return list(map(Spelled._make, rows))

    def named(self, keys: Sequence[str]) -> list[Named]:
        """See Lexicon."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT key, source, min(text) FROM terms WHERE source IN ('brand', 'category')"
                " AND key IN (SELECT value FROM json_each(?)) GROUP BY key, source",
                (json.dumps(list(keys)),),
            )
            return list(map(Named._make, rows))

    def numbered(self, number: str) -> list[str]:
        """See Lexicon."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT id FROM numbers WHERE number = ? ORDER BY id", (number,))
            return [product_id for (product_id,) in rows]

    def currency(self) -> str:
        """See Lexicon."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT currency FROM (SELECT currency FROM products WHERE micros IS NOT NULL LIMIT ?)"
                " GROUP BY currency ORDER BY count(*) DESC, currency LIMIT 1",
                (SAMPLE,),
            ).fetchone()
        return str(row[0]) if row else ""
