"""The embedded engine's side that follows the view: words in tantivy, rows beside it, one state for both."""

import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock

from services.search.adapters.row_table import LEAST, RowTable
from services.search.adapters.tantivy_index import TantivyIndex
from services.search.adapters.words_index import Row


class EmbeddedIndex:
    """The WordsIndex of tantivy, which ranks, and of rows, which count."""

    def __init__(self, folder: Path, least: int = LEAST) -> None:
        """`least` rows come or go before they are sealed."""
        self.swap: AbstractContextManager[object] = Lock()
        """See WordsIndex."""
        self.words = TantivyIndex(folder)
        self.rows = RowTable(folder.parent / "rows", self.words.analyser.analyze, least)

    def replace(self, gone: Iterable[int], come: Iterable[Row]) -> None:
        """See WordsIndex."""
        gone, come = list(gone), list(come)
        self.words.replace(gone, come)
        self.rows.replace(gone, come)

    def mend(self, connection: sqlite3.Connection) -> None:
        """See WordsIndex."""
        self.words.mend(connection)
        self.rows.mend(connection)

    def commit(self) -> None:
        """See WordsIndex. Rows that were not sealed are made again from the view at start."""
        self.words.commit()

    def rollback(self) -> None:
        """See WordsIndex."""
        self.words.rollback()
        self.rows.rollback()

    def reload(self) -> None:
        """See WordsIndex."""
        self.words.reload()
        self.rows.show()

    def clear(self) -> None:
        """See WordsIndex."""
        self.words.clear()
        self.rows.clear()

    def close(self) -> None:
        """See WordsIndex."""
        self.rows.close()
        self.words.close()
