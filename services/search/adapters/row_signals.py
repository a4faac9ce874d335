"""What is known of products beside their words, read from columns by row; sales are in the view's file."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from services.search.adapters.embedded_index import EmbeddedIndex
from services.search.adapters.segments import NONE
from services.search.adapters.sqlite_signals import SqliteSignals, strengths
from services.search.adapters.sqlite_view import SearchDatabase
from services.search.domain.signals import Known, Signals, popularity


def signals_of(database: SearchDatabase) -> Signals:
    """The signals of a view: by row where its engine has rows, else from the file alone."""
    if isinstance(database.index, EmbeddedIndex):
        return RowSignals(database, database.index)
    return SqliteSignals(database)


class RowSignals:
    """The Signals port over columns."""

    def __init__(self, database: SearchDatabase, index: EmbeddedIndex) -> None:
        self._database = database
        self._rows = index.rows
        self._with_texts = SqliteSignals(database)

    def of(self, documents: Sequence[int], now: float, *, texts: bool = True) -> Mapping[int, Known]:
        """See Signals."""
        if texts:
            return self._with_texts.of(documents, now)
        found = list(self._read(np.array(documents, np.int64)))
        with self._database.read() as connection:
            sold, most = strengths(connection, [product_id for _, product_id, _ in found])
        return {
            document: known._replace(popularity=popularity(sold[product_id], most, now))
            if product_id in sold
            else known
            for document, product_id, known in found
        }

    def _read(self, documents: np.ndarray) -> Iterator[tuple[int, str, Known]]:
        """Document, id and what columns tell of each that is there."""
        parts, books = self._rows.look()
        brands, stock = books.texts["brand_key"], books.texts["availability"]
        for segment, _ in parts:
            places = segment.rows_of(documents)
            there = places[places >= 0]
            names = ("micros", "margin", "since", "brand_key", "availability")
            columns = (segment.column(name)[there].tolist() for name in names)
            keys = documents[places >= 0].tolist(), segment.ids(there)
            for document, id_, micros, margin, since, brand, state in zip(*keys, *columns, strict=True):
                price = None if micros == NONE else micros
                yield document, id_, Known("", brands[brand], (), price, stock[state], margin, since, 0.0)
