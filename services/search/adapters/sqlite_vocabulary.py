"""The words and numbers of the catalogue in the view's file, kept with each product that comes or goes."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Final

from services.search.domain.text import every_word

SHORTEST: Final = 2
LONGEST: Final = 24
FIRST_SIGN: Final = "\u4e00"
LAST_SIGN: Final = "\u9fff"
"""Chinese signs, each a word: they tell that the catalogue has Chinese."""

LONGEST_CODE: Final = 5
"""Characters of a word with digits ("ps4"): a longer one is a code, which is not misspelled but wrong."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS vocabulary (word TEXT PRIMARY KEY, products INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS misspellings (key TEXT, word TEXT, PRIMARY KEY (key, word)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS numbers (number TEXT, id TEXT, PRIMARY KEY (number, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS numbers_by_product ON numbers (id);
"""

TABLES: Final = ("vocabulary", "misspellings", "numbers")


class Vocabulary:
    """What one batch changes; words are written once a batch, and not at all when only a price changed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._products: Counter[str] = Counter()

    def add(self, product_id: str, gtin: str, texts: Iterable[str]) -> None:
        """Counts a product's words and keeps its numbers."""
        numbers = {(number, product_id) for number in (product_id.casefold(), gtin) if number}
        self._connection.executemany("INSERT INTO numbers VALUES (?, ?)", sorted(numbers))
        self._products.update(_spelled(texts))

    def remove(self, product_id: str, texts: Iterable[str]) -> None:
        """Takes them out again."""
        self._connection.execute("DELETE FROM numbers WHERE id = ?", (product_id,))
        self._products.subtract(_spelled(texts))

    def write(self) -> None:
        """Writes the counts; a word that is new can be misspelled from now on, one that is gone cannot."""
        for word, change in self._products.items():
            if not change:
                continue
            products = self._connection.execute(
                "INSERT INTO vocabulary VALUES (?, ?)"
                " ON CONFLICT DO UPDATE SET products = products + excluded.products RETURNING products",
                (word, change),
            ).fetchone()[0]
            keys = [(key, word) for key in shortened(word)]
            if products == change:
                self._connection.executemany("INSERT INTO misspellings VALUES (?, ?)", keys)
            elif not products:
                self._connection.execute("DELETE FROM vocabulary WHERE word = ?", (word,))
                self._connection.executemany("DELETE FROM misspellings WHERE key = ? AND word = ?", keys)


def _spelled(texts: Iterable[str]) -> set[str]:
    return {
        word
        for word in every_word(" ".join(texts))
        if (SHORTEST <= len(word) <= LONGEST or FIRST_SIGN <= word <= LAST_SIGN)
        and (word.isalpha() or (len(word) <= LONGEST_CODE and not word.isdigit()))
    }


def shortened(word: str) -> set[str]:
    """The word, and the word less each letter: two words one edit apart share one of these (FastSS)."""
    less = {word[:place] + word[place + 1 :] for place in range(len(word))}
    return {word, *less} - {""}
