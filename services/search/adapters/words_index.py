"""What an index of words takes from the view: rows to look for, and when they count.

Whatever is in such an index can be made again from the view's tables.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Final, NamedTuple, Protocol

from services.search.domain.attributes import GROUP, indexed

TEXTS: Final = ("title", "brand", "categories", "description", "properties")
"""The fields that words are looked for in."""

FIELD_WEIGHTS: Final = (4.0, 2.0, 2.0, 1.0, 0.5)
"""BM25's weight of each of TEXTS."""


class Row(NamedTuple):
    """What the index has of a product; `texts` in the order of TEXTS, `micros` None without a price.

    `attributes` are names and keys by which it is found and counted.
    """

    document: int
    id: str
    text_key: int
    currency: str
    micros: int | None
    brand_key: str
    price_range: str
    availability: str
    paths: tuple[str, ...]
    texts: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...] = ()
    margin: float = 0.0
    since: float = 0.0


class WordsIndex(Protocol):
    """The side of an engine that follows the view; one thread at a time writes, any thread may look."""

    @property
    def swap(self) -> AbstractContextManager[object]:
        """Held while view and index show their changes, so that a look sees both before or both after."""
        ...

    def replace(self, gone: Iterable[int], come: Iterable[Row]) -> None:
        """Takes documents out, unknown ones too, and puts others in; shown after commit and reload."""
        ...

    def mend(self, connection: sqlite3.Connection) -> None:
        """Makes the index again from the view's tables, where the two are not of one state."""
        ...

    def commit(self) -> None:
        """Makes changes durable. The view commits after it: what is replayed then changes nothing."""
        ...

    def rollback(self) -> None:
        """Forgets the changes since the last commit."""
        ...

    def reload(self) -> None:
        """Shows what is committed to looks from now on."""
        ...

    def clear(self) -> None:
        """Takes every product out."""
        ...

    def close(self) -> None:
        """Lets the engine go."""
        ...


def rows(connection: sqlite3.Connection, documents: Iterable[int] | None = None) -> Iterator[Row]:
    """The rows of these products of the view, or of all."""
    some = "" if documents is None else " WHERE document IN (SELECT value FROM json_each(?))"
    values = () if documents is None else (json.dumps(list(documents)),)
    for row in connection.execute(
        "SELECT document, id, text_key, currency, micros, brand_key, price_range, availability,"
        " (SELECT json_group_array(path) FROM categories AS c WHERE c.document = products.document),"
        " texts.title, texts.brand, texts.categories, texts.description, texts.properties,"
        " texts.attributes, products.primary_id, signals.margin, signals.since"
        f" FROM products JOIN texts USING (document) JOIN signals USING (document){some}",
        values,
    ):
        attributes = tuple(indexed((name, key) for name, key, *_ in json.loads(row[14])))
        group = ((GROUP, row[15]),) if row[15] else ()
        yield Row._make((*row[:8], tuple(json.loads(row[8])), row[9:14], (*attributes, *group), *row[16:]))
