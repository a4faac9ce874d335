"""Puts the gateway together: the services behind it, its view of the log, its three servicers."""

from aisle.gateway.v1 import catalog_service_pb2_grpc, event_service_pb2_grpc, storefront_service_pb2_grpc

from services.gateway.adapters.backends import StubLooker, StubPricer, StubRecommender, StubSearcher
from services.gateway.adapters.calling import Backend
from services.gateway.adapters.journal import LogJournal
from services.gateway.adapters.pulse import Pulse
from services.gateway.adapters.view import GatewayView
from services.gateway.config import Config
from services.gateway.domain.admission import Admissions
from services.gateway.domain.calls import Sources
from services.gateway.domain.clock import SteadyClock
from services.gateway.domain.composer import Composer, SectionDone
from services.gateway.domain.errors import BackendError
from services.gateway.domain.ports import Backends
from services.gateway.domain.prices import PriceTags
from services.gateway.domain.sharing import Shared
from services.gateway.domain.storefront import Storefront
from services.gateway.servicer import CallFacts, CatalogServicer, EventServicer, StorefrontServicer
from services.kit import deadline, logs, names, telemetry
from services.kit.following import Following
from services.kit.log import Log
from services.kit.nats_log import NatsLog
from services.kit.server import Endpoint, Service, run

_logger = logs.get("gateway")


def build(
    config: Config,
    *,
    log: Log | None = None,
    backends: Backends | None = None,
    clock: SteadyClock | None = None,
) -> Service:
    """The service, not yet started. Tests give their own log, backends and clock."""
    log = log or NatsLog(config.nats_url)
    remote = _remote(config)
    view = GatewayView(config.home / "gateway" / "view.db", config.cards_in_memory)
    following = Following(log, view, patience=config.log_patience_seconds, empty_serves=True)
    sources = Sources(backends or _stubs(*remote), view, Shared())
    admissions = Admissions()
    composer = Composer(sources, PriceTags(sources.backends.pricing), _tell)
    journal = LogJournal(log)
    return Service(
        name="gateway",
        config=config,
        endpoints=[
            Endpoint(
                storefront_service_pb2_grpc.add_StorefrontServiceServicer_to_server,
                StorefrontServicer(Storefront(sources, composer, admissions), _facts(config)),
                "aisle.gateway.v1.StorefrontService",
            ),
            Endpoint(
                catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server,
                CatalogServicer(journal, view),
                "aisle.gateway.v1.CatalogService",
            ),
            Endpoint(
                event_service_pb2_grpc.add_EventServiceServicer_to_server,
                EventServicer(journal, clock or SteadyClock()),
                "aisle.gateway.v1.EventService",
            ),
        ],
        resources=[*(() if backends else remote), following, Pulse(admissions)],
    )


def _remote(config: Config) -> tuple[Backend, Backend, Backend, Backend]:
    return (
        Backend("recsys", config.recsys_target, "aisle.recsys.v1.RecommendationService"),
        Backend("search", config.search_target, "aisle.search.v1.SearchService"),
        Backend("vision", config.vision_target, "aisle.vision.v1.VisionService"),
        Backend("pricing", config.pricing_target, "aisle.pricing.v1.PricingService"),
    )


def _stubs(recsys: Backend, search: Backend, vision: Backend, pricing: Backend) -> Backends:
    return Backends(StubRecommender(recsys), StubSearcher(search), StubLooker(vision), StubPricer(pricing))


def _facts(config: Config) -> CallFacts:
    def budget() -> float:
        left = deadline.remaining()
        return config.budget_seconds if left is None else left

    return CallFacts(budget, logs.request_id.get)


def _tell(done: SectionDone) -> None:
    """Counts a section, and logs one that went wrong; a bug as such, and neither with what was asked."""
    telemetry.measure(names.SECTION, done.seconds, done.page, done.section, done.status)
    told = {"page": done.page, "section": done.section, "status": done.status}
    if isinstance(done.error, BackendError | TimeoutError):
        _logger.info("section", **told, error=type(done.error).__name__)
    elif done.error is not None:
        _logger.error("section", **told, **logs.bug(done.error))


def main() -> None:
    """Runs the gateway until it is told to stop."""
    run(build(Config()))
