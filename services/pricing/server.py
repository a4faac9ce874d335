"""Puts pricing together: its database, its view of the log, its servicer."""

import time
from collections.abc import Callable

from aisle.pricing.v1 import pricing_pb2_grpc

from services.kit.following import Following
from services.kit.log import Log
from services.kit.models import ModelStore, ModelWatcher
from services.kit.nats_log import NatsLog
from services.kit.server import Endpoint, Service, run
from services.kit.workers import Workers
from services.pricing.adapters.accounts import SqlAccounts, SqlProposals
from services.pricing.adapters.competitors import SqlCompetitors
from services.pricing.adapters.database import Database, database_url
from services.pricing.adapters.desk import Desk
from services.pricing.adapters.experimenting import SqlExperiments
from services.pricing.adapters.lab import Lab
from services.pricing.adapters.learning import Learner, SqlLearner
from services.pricing.adapters.optimising import Planner, SqlOptimiser
from services.pricing.adapters.resources import Opened, Ticker
from services.pricing.adapters.served_demand import ServedDemand
from services.pricing.adapters.simulating import Simulator, SqlSimulator
from services.pricing.adapters.store import Store
from services.pricing.config import Config
from services.pricing.domain.quotes import Quotes
from services.pricing.servicer import PricingServicer


def wall_clock() -> int:
    """Now, in microseconds since 1970."""
    return time.time_ns() // 1_000


def open_database(config: Config) -> Database:
    """The database of the settings; nothing is connected yet."""
    return Database(database_url(config))


def build(config: Config, *, log: Log | None = None, now: Callable[[], int] = wall_clock) -> Service:
    """The service, not yet started. Tests give their own log and clock."""
    log = log or NatsLog(config.nats_url)
    quotes = Quotes()
    store = Store(open_database(config), quotes, now)
    readers, writers = Workers("pricing-readers", threads=config.threads), Workers("pricing-writers")
    accounts, proposals = SqlAccounts(store, readers, writers), SqlProposals(store, readers, writers)
    demand, optimisers = ServedDemand(), Workers("pricing-optimisers", queue=4)
    watcher = ModelWatcher(
        ModelStore(config.home, "pricing"), demand.take, seconds=config.tick_seconds, required=False
    )
    optimiser = SqlOptimiser(Planner(store, demand), optimisers)
    simulator = SqlSimulator(Simulator(store, demand), optimisers)
    competitors, learner = SqlCompetitors(store, writers), SqlLearner(Learner(store), writers)
    lab = Lab(store, demand)
    experiments = SqlExperiments(lab, store, log, readers, writers)
    following, ticker = (
        Following(log, store),
        Ticker(store, [lab.turn, Desk(store).turn], config.tick_seconds),
    )
    return Service(
        name="pricing",
        config=config,
        endpoints=[
            Endpoint(
                pricing_pb2_grpc.add_PricingServiceServicer_to_server,
                PricingServicer(
                    quotes,
                    accounts,
                    proposals,
                    competitors,
                    optimiser,
                    simulator,
                    learner,
                    experiments,
                    demand,
                    now,
                ),
                "aisle.pricing.v1.PricingService",
            )
        ],
        resources=[Opened(store), readers, writers, optimisers, watcher, following, ticker],
    )


def main() -> None:
    """Runs pricing until it is told to stop."""
    run(build(Config()))
