"""The recommendation service: the log's view, the model, and who answers."""

from time import time

from aisle.recsys.v1 import recsys_pb2_grpc

from services.kit import logs
from services.kit.following import Following
from services.kit.log import Log
from services.kit.models import Model, ModelStore, ModelWatcher
from services.kit.nats_log import NatsLog
from services.kit.server import Endpoint, Resource, Service, run
from services.kit.workers import Workers
from services.recsys.adapters import model_files, policy_files
from services.recsys.adapters.slates import SlateLog
from services.recsys.adapters.view import RecsysView
from services.recsys.config import Config
from services.recsys.domain.exploration.drawing import Explorer, Guard
from services.recsys.domain.exploration.policy import untaught
from services.recsys.servicer import RecommendationServicer

FULL_NAME = "aisle.recsys.v1.RecommendationService"


def build(config: Config, log: Log | None = None) -> Service:
    """The service; `log` is the one of the config's NATS server unless another is given."""
    log = log or NatsLog(config.nats_url)
    view = RecsysView(config.home / "recsys" / "view.db", config.popularity_seconds)
    workers = Workers("recsys", threads=1, queue=config.queue)

    def load(model: Model) -> None:
        view.use(model_files.load(model.path), model_files.PREFIX + model.version)

    watcher = ModelWatcher(ModelStore(config.home, "recsys"), load, seconds=config.model_seconds)
    slates = SlateLog(log)
    guard = Guard(config.explore_share, config.explore_positions, config.explore_floor)
    explorer = Explorer(guard, untaught(), slates.keep, time)

    def explore(model: Model) -> None:
        explorer.use(policy_files.load(model.path), model.version)

    policies = ModelWatcher(
        ModelStore(config.home, policy_files.STORE), explore, seconds=config.model_seconds, name="policy"
    )
    exploring: list[Resource] = [policies, slates] if config.explore_share else []
    servicer = RecommendationServicer(view, workers, explorer, logs.request_id.get)
    return Service(
        "recsys",
        config,
        [Endpoint(recsys_pb2_grpc.add_RecommendationServiceServicer_to_server, servicer, FULL_NAME)],
        [workers, watcher, Following(log, view), *exploring],
    )


def main() -> None:
    """Runs until told to stop."""
    run(build(Config()))
