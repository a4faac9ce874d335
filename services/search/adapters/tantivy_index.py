"""The words of the catalogue in tantivy: an index on disk, derived from the view's tables, kept beside them.

Whatever is in it can be made again from the view. A product's row is replaced by its document number, so
applying the same records twice leaves the same index.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import tantivy

from services.search.adapters.words_index import TEXTS, Row, rows
from services.search.domain.text import fingerprint, spread

LAYOUT: Final = "5"
"""Changes with the schema below: an index of another layout is made again."""

AMOUNT_BITS: Final = 46
MAX_AMOUNT: Final = 2**AMOUNT_BITS - 1
"""Micros that fit beside a currency in one number: 70 million of a currency's unit; what is more, ties."""

_HEAP_BYTES: Final = 64_000_000
_ANALYSER: Final = "words"
ATTRIBUTES: Final = "attributes"

_VALUES: Final = ("path", "brand_key", "currency", "availability")
_NUMBERS: Final = ("document", "text_key", "micros", "cheapest", "dearest")


class TantivyIndex:
    """One writer, any number of readers: a searcher sees what was committed when it was opened."""

    def __init__(self, folder: Path) -> None:
        """Opens the index, or begins it anew, empty, when it is of another layout or cannot be read."""
        self._folder = folder
        self.analyser = analyser()
        self._index = self._opened()
        self._changed = False

    @property
    def schema(self) -> Any:
        """For queries."""
        return self._index.schema

    def replace(self, gone: Iterable[int], come: Iterable[Row]) -> None:
        """Takes products out, unknown ones too, and puts others in; shown after commit and reload."""
        for document in gone:
            self._remove(document)
        for row in come:
            self._remove(row.document)
            self._writer.add_document(_document(row))
            self._changed = True

    def mend(self, connection: sqlite3.Connection) -> None:
        """Makes the index again from the view's tables, where the two are not of one state."""
        held = connection.execute(
            "SELECT count(*), coalesce(sum(document), 0), coalesce(max(document), 0) FROM products"
        ).fetchone()
        if held != self.summary():
            self.clear()
            self.replace((), rows(connection))
            self.commit()
            self.reload()

    def commit(self) -> None:
        """Makes changes durable; a process killed after this has them."""
        if self._changed:
            self._writer.commit()
            self._changed = False

    def rollback(self) -> None:
        """Forgets the changes since the last commit."""
        if self._changed:
            self._writer.rollback()
            self._changed = False

    def clear(self) -> None:
        """Takes every product out."""
        self._writer.delete_all_documents()
        self._writer.commit()
        self.reload()

    def summary(self) -> tuple[int, int, int]:
        """How many products are shown, and the sum and the largest of their document numbers."""
        told = self.searcher().aggregate(
            tantivy.Query.all_query(), {"documents": {"stats": {"field": "document"}}}
        )["documents"]
        return int(told["count"]), int(told["sum"] or 0), int(told["max"] or 0)

    def reload(self) -> None:
        """Shows what is committed to searchers opened from now on."""
        self._index.reload()

    def searcher(self) -> Any:
        """What is committed and shown, unchanged for as long as it is held."""
        return self._index.searcher()

    def close(self) -> None:
        """Waits for merges and lets the folder go."""
        if "_writer" in vars(self):
            self._writer.wait_merging_threads()

    @cached_property
    def _writer(self) -> Any:
        # Not before something is written: a process that only reads leaves the index to the one that serves.
        return self._index.writer(_HEAP_BYTES, 1)

    def _remove(self, document: int) -> None:
        self._writer.delete_documents_by_term("document", document)
        self._changed = True

    def _opened(self) -> Any:
        mark = self._folder / "layout"
        try:
            if mark.read_text() == LAYOUT:
                return self._registered(tantivy.Index(_schema(), path=str(self._folder)))
        except (OSError, ValueError):
            pass  # no index yet, or none that can be read: it is derived, and made again
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        index = self._registered(tantivy.Index(_schema(), path=str(self._folder)))
        mark.write_text(LAYOUT)
        return index

    def _registered(self, index: Any) -> Any:
        index.register_tokenizer(_ANALYSER, self.analyser)
        index.config_reader("manual")
        return index


def analyser() -> Any:
    """How texts and queries become terms: lower case, no accents, English stems."""
    steps = tantivy.Filter.lowercase(), tantivy.Filter.ascii_fold(), tantivy.Filter.stemmer("English")
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for step in steps:
        builder = builder.filter(step)
    return builder.build()


def price_keys(currency: str, micros: int) -> tuple[int, int]:
    """Numbers that order prices upwards and downwards, one currency of capital letters after the other."""
    amount = min(max(micros, 0), MAX_AMOUNT)
    letters = 0
    for letter in currency.ljust(3)[:3]:
        letters = letters << 5 | ord(letter) & 0x1F
    return letters << AMOUNT_BITS | amount, letters << AMOUNT_BITS | (MAX_AMOUNT - amount)


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    for name in TEXTS:
        builder.add_text_field(name, tokenizer_name=_ANALYSER)
    builder.add_text_field("id", fast=True, tokenizer_name="raw", index_option="basic")
    for name in _VALUES:
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in _NUMBERS:
        builder.add_integer_field(name, indexed=True, fast=True)
    builder.add_json_field(ATTRIBUTES, tokenizer_name="raw", index_option="basic")
    return builder.build()


def _document(row: Row) -> Any:
    document = tantivy.Document(document=row.document, text_key=row.text_key, id=row.id, path=list(row.paths))
    for name, text in zip(TEXTS, row.texts, strict=True):
        document.add_text(name, spread(text))
    for name in ("brand_key", "availability"):
        if value := getattr(row, name):
            document.add_text(name, value)
    if row.attributes:
        document.add_json(ATTRIBUTES, json.dumps(_by_name(row.attributes)))
    if row.micros is not None:
        document.add_text("currency", row.currency)
        numbers = row.micros, *price_keys(row.currency, row.micros)
        for name, number in zip(("micros", "cheapest", "dearest"), numbers, strict=True):
            document.add_integer(name, number)
    return document


def attribute_field(name: str) -> str:
    """The field of an attribute; names may have any characters, so a number stands for each."""
    return f"{ATTRIBUTES}.{_column(name)}"


def _column(name: str) -> str:
    return f"a{fingerprint(name):x}"


def _by_name(attributes: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in attributes:
        found.setdefault(_column(name), []).append(value)
    return found
