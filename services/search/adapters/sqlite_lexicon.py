"""The shop's words in the view's file: which there are, which are spelled alike, which are names."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from services.kit.views import Database
from services.search.adapters import sqlite_attributes
from services.search.adapters.sqlite_vocabulary import shortened
from services.search.domain.product import lowest
from services.search.domain.query.lexicon import Named, Said, Spelled

SHORTEST_PLURAL: Final = 4
SAMPLE: Final = 1_000
"""Products that tell the shop's currency."""


class SqliteLexicon:
    """The Lexicon port over the view's file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def spelled_like(self, word: str) -> list[Spelled]:
        """See Lexicon."""
        keys = shortened(word)
        # The plural of a word is one too, whether or not a product has it; short ones are near to everything.
        singular = {key[:-1] for key in keys if key.endswith("s") and len(key) >= SHORTEST_PLURAL}
        with self._database.read() as connection:
            found = _sharing(connection, keys)
            plural = {f"{word}s": products for word, products in _sharing(connection, singular).items()}
        return list(map(Spelled._make, {**plural, **found}.items()))

    def named(self, keys: Sequence[str]) -> list[Named]:
        """See Lexicon."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT start, source, min(text) FROM terms WHERE source IN ('brand', 'category') AND whole"
                " AND start IN (SELECT value FROM json_each(?)) GROUP BY start, source",
                (json.dumps(list(keys)),),
            )
            return list(map(Named._make, rows))

    def numbered(self, number: str) -> list[str]:
        """See Lexicon."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT id FROM numbers WHERE number = ? ORDER BY id", (number,))
            return [product_id for (product_id,) in rows]

    def writes(self, words: Sequence[str]) -> bool:
        """See Lexicon."""
        with self._database.read() as connection:
            known = "SELECT count(*) FROM vocabulary WHERE word IN (SELECT value FROM json_each(?))"
            return bool(connection.execute(known, (json.dumps(words),)).fetchone() == (len(set(words)),))

    def values(self, keys: Sequence[str]) -> list[Said]:
        """See Lexicon."""
        with self._database.read() as connection:
            return list(map(Said._make, sqlite_attributes.saying(connection, keys)))

    def shown(self, attribute: str, keys: Sequence[str]) -> Mapping[str, str]:
        """See Lexicon."""
        with self._database.read() as connection:
            return sqlite_attributes.shown(connection, attribute, keys)

    def numbers(self, attribute: str, minimum: float | None, below: float | None) -> list[str]:
        """See Lexicon."""
        with self._database.read() as connection:
            return sqlite_attributes.between(connection, attribute, minimum, below)

    def ranged(self, attribute: str) -> bool:
        """See Lexicon."""
        with self._database.read() as connection:
            return sqlite_attributes.ranged(connection, attribute)

    def primaries(self, product_ids: Sequence[str]) -> Mapping[str, str]:
        """See Lexicon."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id, primary_id FROM products"
                " WHERE id IN (SELECT value FROM json_each(?)) AND primary_id != ''",
                (json.dumps(list(product_ids)),),
            )
            return dict(rows.fetchall())

    def categories(self, product_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """See Lexicon."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id, json_group_array(path) FROM products JOIN categories USING (document)"
                " WHERE id IN (SELECT value FROM json_each(?)) GROUP BY id",
                (json.dumps(list(product_ids)),),
            )
            return {id_: lowest(json.loads(paths)) for id_, paths in rows}

    def currency(self) -> str:
        """See Lexicon."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT currency FROM (SELECT currency FROM products WHERE micros IS NOT NULL LIMIT ?)"
                " GROUP BY currency ORDER BY count(*) DESC, currency LIMIT 1",
                (SAMPLE,),
            ).fetchone()
        return str(row[0]) if row else ""


def _sharing(connection: sqlite3.Connection, keys: Iterable[str]) -> dict[str, int]:
    """Words that were shortened to one of the keys, with their numbers of products."""
    rows = connection.execute(
        "SELECT DISTINCT word, products FROM misspellings JOIN vocabulary USING (word)"
        " WHERE key IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(keys)),),
    )
    return dict(rows)
