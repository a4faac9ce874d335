"""Runs a service: opens its port at once, starts its resources, tells its health, drains on SIGTERM."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
import uvloop
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.kit import logs, telemetry
from services.kit.channels import MAX_MESSAGE_BYTES
from services.kit.config import Settings
from services.kit.health import Keeper, Resource
from services.kit.interceptors import Calls

__all__ = ["Endpoint", "Resource", "Running", "Service", "run", "serve"]

MIN_PING_MS: Final = 10_000  # clients may send keepalives this often
log = logs.get("kit.server")


@dataclass(frozen=True)
class Endpoint:
    """One gRPC service: what generated code adds it with, who answers, and its full name in the proto."""

    add: Callable[[Any, grpc.aio.Server], None]
    servicer: object
    full_name: str


@dataclass(frozen=True)
class Service:
    """All of a service. Resources are started in order and closed in reverse."""

    name: str
    config: Settings
    endpoints: Sequence[Endpoint]
    resources: Sequence[Resource] = ()


class Running:
    """A service at work."""

    def __init__(self, service: Service, server: grpc.aio.Server, keeper: Keeper, target: str) -> None:
        """Made by serve()."""
        self.service, self.target = service, target
        self.health = keeper
        self._server = server
        self._keeping = asyncio.create_task(keeper.run())

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.target.rsplit(":", 1)[1])

    async def ready(self) -> None:
        """Returns when it is ready."""
        await self.health.ready.wait()

    async def drain(self) -> None:
        """Says NOT_SERVING, waits until clients have gone elsewhere, and stops."""
        await self.health.drain()
        await asyncio.sleep(self.service.config.drain_seconds)
        await self.stop()

    async def stop(self) -> None:
        """Takes no more calls, lets running ones end within the grace, closes resources."""
        self._keeping.cancel()
        stopping = asyncio.ensure_future(self._server.stop(self.service.config.grace_seconds))
        self.health.servicer.end()
        await stopping
        await asyncio.gather(self._keeping, return_exceptions=True)
        await self.health.close()


async def serve(service: Service, address: str | None = None) -> Running:
    """Listens on the address, or else on the config's host and port. Raises RuntimeError when it is taken."""
    config = service.config
    server = grpc.aio.server(
        interceptors=[Calls(service.name, config.max_in_flight)],
        options=[
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.http2.min_ping_interval_without_data_ms", MIN_PING_MS),
        ],
    )
    full_names = [endpoint.full_name for endpoint in service.endpoints]
    keeper = Keeper(service.name, full_names, service.resources, config.ping_seconds)
    await keeper.open()
    for endpoint in service.endpoints:
        endpoint.add(endpoint.servicer, server)
    health_pb2_grpc.add_HealthServicer_to_server(keeper.servicer, server)
    reflection.enable_server_reflection([*full_names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    channelz.add_channelz_servicer(server)  # type: ignore[arg-type]  # it takes both kinds
    address = address or f"{config.host}:{config.port}"
    port = server.add_insecure_port(address)
    await server.start()
    return Running(service, server, keeper, f"{address.rsplit(':', 1)[0]}:{port}")


def run(service: Service) -> None:
    """The whole main() of a service: returns when SIGTERM or SIGINT has drained it; a second signal kills."""
    logs.setup(service.config.log_level, service.name)
    uvloop.run(_main(service))


async def _main(service: Service) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    config = service.config
    with telemetry.exposed(config.host, config.metrics_port), telemetry.traced(service.name):
        running = await serve(service)
        log.info("listening", target=running.target, settings=config.shown())
        await stop.wait()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        log.info("draining")
        await running.drain()
        log.info("stopped")
