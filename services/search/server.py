"""Builds and runs the search service."""

from functools import partial
from typing import TYPE_CHECKING

from aisle.search.v1 import control_pb2_grpc, search_pb2_grpc

from services.kit.following import Following
from services.kit.log import Log
from services.kit.models import Model, ModelStore, ModelWatcher
from services.kit.nats_log import NatsLog
from services.kit.server import Endpoint, Service, run
from services.kit.workers import Workers
from services.search.adapters.chinese_words import ChineseWords
from services.search.adapters.control_log import ControlLog
from services.search.adapters.embedded_backend import EmbeddedBackend
from services.search.adapters.embedder import Embedder
from services.search.adapters.onnx_encoder import OnnxEncoder
from services.search.adapters.query_meanings import QueryMeanings
from services.search.adapters.ranking import ServedRanker, ranking_store
from services.search.adapters.row_signals import signals_of
from services.search.adapters.served_categories import ServedCategories, categories_store
from services.search.adapters.sqlite_completions import SqliteCompletions
from services.search.adapters.sqlite_controls import SqliteControls
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_trails import SqliteTrails
from services.search.adapters.sqlite_view import SearchView
from services.search.adapters.triton_encoder import TritonEncoder
from services.search.adapters.triton_texts import TritonTexts
from services.search.config import Config
from services.search.domain.complete import Completer
from services.search.domain.ordering import Ordering
from services.search.domain.search import Searcher
from services.search.domain.similar import SimilarQueries
from services.search.servicer import ControlServicer, SearchServicer
from services.search.triton.repository import Repository

if TYPE_CHECKING:
    from services.search.adapters.milvus_backend import MilvusBackend

FULL_NAME = "aisle.search.v1.SearchService"
CONTROL_NAME = "aisle.search.v1.ControlService"


def build(config: Config, log: Log | None = None) -> Service:
    """The service, ready to run; `log` is NATS at the configured address unless given."""
    log = log or NatsLog(config.nats_url)
    backend = backend_of(config)
    database = backend.database
    triton = triton_of(config)
    encoders = ModelStore(config.home, "search")
    embedder = Embedder(
        database,
        partial(TritonEncoder, triton=triton) if triton else encoder_of,
        backend.vectors,
        earlier=encoders.find,
        swapped=backend.keep_vectors,
        threads=config.embed_threads,
    )
    workers = Workers("search", threads=config.threads, queue=config.queue)
    lexicon, controls = SqliteLexicon(database), SqliteControls(database)
    ranking = ServedRanker(config.home)
    ordering = Ordering(signals_of(database), lambda: ranking.ranker)
    following = Following(log, SearchView(database))
    completions = SqliteCompletions(database)
    meanings = QueryMeanings(lambda most: completions.popular_queries("", most), lambda: embedder.meaning)
    learnt = ServedCategories()
    searcher = Searcher(
        backend,
        lambda: embedder.meaning,
        lexicon,
        controls=controls,
        ordering=ordering,
        learnt=lambda: learnt.learnt,
    )
    servicer = SearchServicer(
        searcher,
        Completer(completions, lexicon, searcher.finds),
        SimilarQueries(SqliteTrails(database), meanings.near, searcher.finds),
        workers,
    )
    ruling = ControlServicer(ControlLog(log, following).write, controls.messages)
    watcher = ModelWatcher(encoders, embedder.load)
    rankers = ModelWatcher(ranking_store(config.home), ranking.load, name="ranking", required=False)
    clicks = ModelWatcher(categories_store(config.home), learnt.load, name="categories", required=False)
    return Service(
        name="search",
        config=config,
        endpoints=[
            Endpoint(search_pb2_grpc.add_SearchServiceServicer_to_server, servicer, FULL_NAME),
            Endpoint(control_pb2_grpc.add_ControlServiceServicer_to_server, ruling, CONTROL_NAME),
        ],
        resources=[
            workers,
            # First of what needs it: while it is away nothing else starts, and the service is not ready.
            *([] if isinstance(backend, EmbeddedBackend) else [backend]),
            watcher,
            rankers,
            clicks,
            embedder,
            meanings,
            ChineseWords(),
            following,
            *([triton] if triton else []),
        ],
    )


def backend_of(config: Config) -> "EmbeddedBackend | MilvusBackend":
    """The engine that the settings name, with the view that it follows."""
    if config.backend == "embedded":
        return EmbeddedBackend(config.home)
    # pymilvus is an extra: whoever stays with the engine of this process needs none of it.
    from services.search.adapters.milvus_backend import MilvusBackend
    from services.search.adapters.milvus_client import Milvus

    token = config.milvus_token.get_secret_value()
    client = Milvus(config.milvus_uri, token, seconds=config.milvus_seconds)
    return MilvusBackend(config.home, client, config.milvus_prefix)


def encoder_of(model: Model) -> OnnxEncoder:
    """The encoder that `aisle train search` made, in this process."""
    return OnnxEncoder(model.path, tag=model.version)


def triton_of(config: Config) -> TritonTexts | None:
    """The Triton that encodes, where the settings name it."""
    if config.embed == "onnx":
        return None
    return TritonTexts(config.triton, Repository(config.home), seconds=config.embed_seconds)


def main() -> None:
    """Runs the service until it is told to stop."""
    run(build(Config()))
