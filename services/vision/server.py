"""The vision service: its resources, put together."""

from aisle.vision.v1 import vision_pb2_grpc

from services.kit.following import Following
from services.kit.models import ModelStore, ModelWatcher
from services.kit.nats_log import NatsLog
from services.kit.server import Endpoint, Service, run
from services.kit.workers import Workers
from services.vision.adapters.addresses import Hosts
from services.vision.adapters.faiss_vectors import FaissVectors
from services.vision.adapters.gallery import CatalogGallery
from services.vision.adapters.indexer import Indexer
from services.vision.adapters.remembering import Remembering
from services.vision.adapters.sources import Sources
from services.vision.adapters.triton import Triton
from services.vision.adapters.view import CatalogView
from services.vision.adapters.web import Web
from services.vision.config import Config
from services.vision.domain.eye import Eye
from services.vision.servicer import VisionServicer
from services.vision.triton.repository import Repository

FULL_NAME = "aisle.vision.v1.VisionService"


def build(config: Config, *, log_prefix: str = "") -> Service:
    """The service, not started. `log_prefix` keeps the streams of tests apart."""
    log = NatsLog(config.nats_url, prefix=log_prefix)
    view = CatalogView(config.home / "vision" / "view.db")
    triton = Triton(
        config.triton,
        Repository(config.home),
        seconds=config.inference_seconds,
        in_flight=config.inference_in_flight,
    )
    remembering = Remembering(triton, config.remembered_bytes)
    gallery = CatalogGallery(view, FaissVectors)
    decode = Workers("decode", threads=config.decode_threads)
    find = Workers("find", threads=1)
    # A queue of its own, so that a large import never makes a shopper's picture wait behind it.
    import_workers = Workers("decode-catalogue", threads=1)
    web = Web(Hosts.read(config.image_hosts))
    sources = Sources(config.image_folder, web.fetch if config.image_web else None)
    indexer = Indexer(view, gallery, triton, import_workers, sources, parallel=config.index_parallel)
    return Service(
        name="vision",
        config=config,
        endpoints=[
            Endpoint(
                vision_pb2_grpc.add_VisionServiceServicer_to_server,
                VisionServicer(Eye(remembering, gallery, decode.run, find.run)),
                FULL_NAME,
            )
        ],
        # The model first: pictures are recognised even while the log is away. Triton last: its ping
        # waits for a model, and the view need not wait with it.
        resources=[
            decode,
            find,
            import_workers,
            ModelWatcher(ModelStore(config.home, "vision"), triton.take),
            gallery,
            Following(log, view),
            web,
            indexer,
            triton,
        ],
    )


def main() -> None:
    """Runs until SIGTERM."""
    run(build(Config()))
