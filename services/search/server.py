"""Builds and runs the search service."""

from aisle.search.v1 import search_pb2_grpc

from services.kit.following import Following
from services.kit.log import Log
from services.kit.models import Model, ModelStore, ModelWatcher
from services.kit.nats_log import NatsLog
from services.kit.server import Endpoint, Service, run
from services.kit.workers import Workers
from services.search.adapters.embedder import Embedder
from services.search.adapters.faiss_vectors import FaissVectors
from services.search.adapters.onnx_encoder import DIMENSION, OnnxEncoder
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_shelf import SqliteCatalogue
from services.search.adapters.sqlite_view import SearchView, open_database
from services.search.config import Config
from services.search.domain.complete import Completer
from services.search.domain.search import Searcher
from services.search.servicer import SearchServicer

FULL_NAME = "aisle.search.v1.SearchService"


def build(config: Config, log: Log | None = None) -> Service:
    """The service, ready to run; `log` is NATS at the configured address unless given."""
    log = log or NatsLog(config.nats_url)
    database = open_database(config.home)
    catalogue = SqliteCatalogue(database)
    embedder = Embedder(database, encoder_of, lambda: FaissVectors(DIMENSION), threads=config.embed_threads)
    workers = Workers("search", threads=config.threads, queue=config.queue)
    servicer = SearchServicer(
        Searcher(catalogue, lambda: embedder.meaning, SqliteLexicon(database)), Completer(catalogue), workers
    )
    watcher = ModelWatcher(ModelStore(config.home, "search"), embedder.load)
    return Service(
        name="search",
        config=config,
        endpoints=[Endpoint(search_pb2_grpc.add_SearchServiceServicer_to_server, servicer, FULL_NAME)],
        resources=[workers, watcher, embedder, Following(log, SearchView(database))],
    )


def encoder_of(model: Model) -> OnnxEncoder:
    """The encoder that `aisle train search` made."""
    return OnnxEncoder(model.path, tag=model.version)


def main() -> None:
    """Runs the service until it is told to stop."""
    run(build(Config()))
