"""The words of the catalogue in Milvus: a row a product, replaced as a whole.

A row is never replaced by an older one, so replicas that share a collection may each follow the log at their
own pace: what all of them write in the end is the same.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, TypeVar

from pymilvus import DataType, MilvusClient

from services.search.adapters.milvus_client import Milvus
from services.search.adapters.milvus_terms import MOST_TERMS, everything, trait, weights
from services.search.adapters.words_index import TEXTS, Row, rows
from services.search.domain.text import fingerprint, spread

LAYOUT: Final = 2
"""Part of the collection's name: with another schema below, another collection is filled beside it."""

MOST_ID: Final = 512
_CHUNK: Final = 1_000
_DESCRIPTION: Final = TEXTS.index("description")
_ARRAYS: Final = ("terms", "said", "traits")
_NUMBERS: Final = ("document", "text_key", "micros")

_Item = TypeVar("_Item")


class MilvusWords:
    """The WordsIndex of a collection that replicas may share."""

    def __init__(self, client: Milvus, prefix: str) -> None:
        self.client = client
        self.collection = f"{prefix}_products_{LAYOUT}"
        self.swap: AbstractContextManager[object] = nullcontext()
        self._come = dict[int, Row]()
        self._gone = set[int]()
        self._opened = False

    def open(self, connection: sqlite3.Connection) -> None:
        """Makes the collection where there is none, and fills it from the view where it lacks something."""
        if self.client.has_collection(self.collection):
            self.client.load_collection(self.collection)  # one that was started again has it on disk alone
        else:
            self._create()
        self._opened = True
        self.mend(connection)

    def replace(self, gone: Iterable[int], come: Iterable[Row]) -> None:
        """See WordsIndex."""
        for document in gone:
            self._come.pop(document, None)
            self._gone.add(document)
        for row in come:
            self._come[row.document] = row
            self._gone.discard(row.document)

    def mend(self, connection: sqlite3.Connection) -> None:
        """See WordsIndex. Replicas that share it may be ahead, so only what it lacks is a fault.

        Nothing is done before `open`, for Milvus may be away when the view is opened.
        """
        if not self._opened:
            return
        held = int(connection.execute("SELECT count(*) FROM products").fetchone()[0])
        if self.count("") < held:
            for some in _chunks(rows(connection)):
                self._write(some)

    def commit(self) -> None:
        """See WordsIndex."""
        for some in _chunks(self._come.values()):
            self._write(some)
        for documents in _chunks(sorted(self._gone)):
            self.client.delete(self.collection, filter=f"document in {list(documents)}")
        self.rollback()

    def rollback(self) -> None:
        """See WordsIndex."""
        self._come.clear()
        self._gone.clear()

    def reload(self) -> None:
        """See WordsIndex. Milvus shows what is written at once."""

    def clear(self) -> None:
        """See WordsIndex."""
        self.client.drop_collection(self.collection)
        self._create()

    def close(self) -> None:
        """See WordsIndex."""
        self.client.close()

    def count(self, expression: str) -> int:
        """How many rows there are of which the expression is true."""
        answer = self.client.query(self.collection, filter=expression, output_fields=["count(*)"])
        return int(answer[0]["count(*)"])

    def _write(self, come: Sequence[Row]) -> None:
        products = {fingerprint(row.id): row for row in come}
        held = self.client.query(
            self.collection, filter=f"product in {list(products)}", output_fields=["product", "document"]
        )
        for known in held:
            if known["document"] > products[known["product"]].document:
                del products[known["product"]]
        if products:
            self.client.upsert(self.collection, [_row(product, row) for product, row in products.items()])

    def _create(self) -> None:
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("product", DataType.INT64, is_primary=True)
        schema.add_field("id", DataType.VARCHAR, max_length=MOST_ID)
        for name in _NUMBERS:
            schema.add_field(name, DataType.INT64, nullable=name == "micros")
        for name in _ARRAYS:
            schema.add_field(name, DataType.ARRAY, element_type=DataType.INT64, max_capacity=MOST_TERMS)
        schema.add_field("weights", DataType.SPARSE_FLOAT_VECTOR)
        indexes = MilvusClient.prepare_index_params()
        indexes.add_index("weights", index_type="SPARSE_INVERTED_INDEX", metric_type="IP")
        lite = "lite" in self.client.get_server_version()  # it has no index over arrays
        for name in (*_NUMBERS, *(() if lite else _ARRAYS)):
            indexes.add_index(name, index_type="INVERTED")
        self.client.create_collection(
            self.collection, schema=schema, index_params=indexes, consistency_level="Session"
        )


def _row(product: int, row: Row) -> dict[str, Any]:
    texts = [spread(text) for text in row.texts]
    traits = [
        *(trait("path", path) for path in row.paths),
        trait("brand", row.brand_key),
        trait("availability", row.availability),
        *(trait(f"attribute {name}", value) for name, value in row.attributes),
        *([] if row.micros is None else [trait("currency", row.currency)]),
    ]
    return {
        "product": product,
        "id": row.id,
        "document": row.document,
        "text_key": row.text_key,
        "micros": row.micros,
        "terms": everything(texts),
        "said": everything([texts[_DESCRIPTION]]),
        "traits": traits,
        "weights": weights(texts),
    }


def _chunks(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    some = list[_Item]()
    for item in items:
        some.append(item)
        if len(some) == _CHUNK:
            yield some
            some = []
    if some:
        yield some
