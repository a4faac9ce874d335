"""A search over given products, by the code that serves, in a folder of its own: to measure and to learn.

Vectors of texts are kept in the home folder, by model and text, so that a second look embeds nothing twice.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import uuid4

from aisle.catalog.v1 import product_pb2

from services.kit.log import BATCH, CATALOG, Log, Record
from services.kit.models import Model, ModelStore
from services.kit.nats_log import NatsLog
from services.kit.progress import Progress
from services.search.adapters.click_log import read_catalogue, read_lists
from services.search.adapters.embedder import Embedder
from services.search.adapters.ranking import ServedRanker
from services.search.adapters.row_signals import signals_of
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_view import SearchView, open_database
from services.search.adapters.vector_table import VectorTable
from services.search.config import Config
from services.search.domain.clicks import Shown
from services.search.domain.ordering import Ordering
from services.search.domain.query.lexicon import Lexicon
from services.search.domain.search import Searcher
from services.search.domain.signals import Signals
from services.search.domain.stages import Stage
from services.search.server import backend_of, encoder_of

PATIENCE: Final = 30
"""How much longer than in serving an engine's answers are waited for."""

CACHE: Final = "evaluation"
_WHEN: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Built:
    """The search, with the stages asked for, and what is known of its products."""

    def __init__(
        self, signals: Signals, lexicon: Lexicon, searcher: Callable[[frozenset[Stage]], Searcher]
    ) -> None:
        self.signals = signals
        self.lexicon = lexicon
        self.searcher = searcher


async def read_shop(
    config: Config, log: Log | None, progress: Progress
) -> tuple[Model, list[Shown], list[product_pb2.Product]]:
    """The encoder that serves, the lists that were seen, and the catalogue as it is now, for learning.

    Raises ValueError when there is no encoder.
    """
    encoder = await asyncio.to_thread(ModelStore(config.home, "search").current)
    if encoder is None:
        raise ValueError("there is no encoder: run `aisle train search` first")
    log = log or NatsLog(config.nats_url)
    await log.start()
    try:
        return encoder, await read_lists(log, progress), await read_catalogue(log, progress)
    finally:
        await log.close()


@asynccontextmanager
async def searchable(
    config: Config, model: Model, products: Iterable[product_pb2.Product], progress: Progress
) -> AsyncIterator[Built]:
    """A search over these products alone, on the engine that the settings name, with the stages asked for.

    What is written to an engine outside this process has a name of its own there, and goes in the end.
    """
    with TemporaryDirectory() as temporary, ExitStack() as open_files:
        cache = open_database(config.home / CACHE)
        open_files.callback(cache.close)
        own = {
            "home": Path(temporary),
            "milvus_prefix": f"offline_{uuid4().hex}",
            "milvus_seconds": config.milvus_seconds * PATIENCE,
        }
        backend = backend_of(config.model_copy(update=own))
        open_files.callback(backend.discard)
        database = backend.database
        await asyncio.to_thread(backend.open)
        await asyncio.to_thread(_index, SearchView(database), products, progress)
        await asyncio.to_thread(VectorTable(database).take, model.version, cache)
        embedder = Embedder(database, encoder_of, backend.vectors, threads=config.embed_threads)
        await asyncio.to_thread(embedder.load, model)
        progress("embedding products", 0, 0)
        meaning = embedder.meaning
        assert meaning is not None, "load() serves the first model at once"
        await embedder.tend(meaning)
        await asyncio.to_thread(VectorTable(cache).take, model.version, database)
        lexicon, signals, ranking = (
            SqliteLexicon(database),
            signals_of(database),
            ServedRanker(config.home),
        )
        ordering = Ordering(signals, lambda: ranking.ranker)
        yield Built(
            signals,
            lexicon,
            lambda stages: Searcher(backend, lambda: meaning, lexicon, stages, ordering=ordering),
        )
        await embedder.close()


def _index(view: SearchView, products: Iterable[product_pb2.Product], progress: Progress) -> None:
    records: list[Record] = []
    done = 0
    for done, product in enumerate(products, 1):
        change = product_pb2.ProductChange(upsert=product)
        records.append(Record(CATALOG, done, product.id, change.SerializeToString(), _WHEN))
        if len(records) == BATCH:
            view.apply(records)
            records.clear()
            progress("indexing products", done, 0)
    if records:
        view.apply(records)
    progress("indexing products", done, done)
