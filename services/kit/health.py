"""How well a service is, derived from its resources, told by the gRPC health service."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

from grpc_health.v1 import health, health_pb2

from services.kit import logs, names, telemetry

STARTUP: Final = "startup"
READINESS: Final = "readiness"
LIVENESS: Final = "liveness"
PING_SECONDS: Final = 5.0  # a ping that takes longer has failed
SERVING: Final = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING

log = logs.get("kit.health")


class Resource(Protocol):
    """An outside thing that a service holds. With a true attribute `optional`, readiness does not need it."""

    name: str

    async def start(self) -> None:
        """Opens it. Raises when it cannot; it is tried again."""

    async def ping(self) -> None:
        """Raises when unwell."""

    async def close(self) -> None:
        """Lets it go; also called after a start that failed or was broken off."""


class HealthServicer(health.aio.HealthServicer):  # type: ignore[misc, name-defined]
    """The health service, whose watches end when the server does; else they would hold up its stop."""

    def __init__(self) -> None:
        """Nobody watches yet."""
        super().__init__()
        self._ended = asyncio.Event()

    async def Watch(self, request: Any, context: Any) -> None:  # noqa: N802
        """Tells each change, until the server ends."""
        tasks = [
            asyncio.create_task(super().Watch(request, context)),
            asyncio.create_task(self._ended.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def end(self) -> None:
        """Ends all watches."""
        self._ended.set()


class Keeper:
    """Starts resources in order, pings them for ever, and tells health under each name."""

    def __init__(
        self, service: str, full_names: Sequence[str], resources: Sequence[Resource], seconds: float
    ):
        """Pings every so many seconds. Raises ValueError when two resources have one name."""
        if len({resource.name for resource in resources}) < len(resources):
            raise ValueError(f"two resources of {service} have one name")
        self.servicer = HealthServicer()
        self.unwell: dict[str, str] = {}  # resource -> the type of its error
        self.ready = asyncio.Event()
        self._service, self._resources, self._seconds = service, resources, seconds
        self._readiness = ("", READINESS, *full_names)
        self._tried: list[Resource] = []
        self._started: set[str] = set()

    async def run(self) -> None:
        """Runs until cancelled."""
        for resource in self._resources:
            await self._started_or_optional(resource)
        await self.servicer.set(STARTUP, SERVING)
        log.info("started")
        while True:
            await asyncio.gather(*map(self._attend, self._resources))
            await self._tell(all(_optional(r) or r.name not in self.unwell for r in self._resources))
            await asyncio.sleep(self._seconds)

    async def open(self) -> None:
        """Says that the service lives, and is not ready."""
        await self.servicer.set(LIVENESS, SERVING)
        for name in (STARTUP, *self._readiness):
            await self.servicer.set(name, NOT_SERVING)

    async def drain(self) -> None:
        """Says NOT_SERVING, for good."""
        await self.servicer.enter_graceful_shutdown()
        telemetry.measure(names.READY, 0, self._service)

    async def close(self) -> None:
        """Closes the resources in reverse; one that fails does not keep the others from it."""
        for resource in reversed(self._tried):
            try:
                await resource.close()
            except Exception as error:
                log.warning("resource did not close", resource=resource.name, **logs.bug(error))

    async def _started_or_optional(self, resource: Resource) -> None:
        while True:
            if await self._attend(resource) or _optional(resource):
                return
            await asyncio.sleep(self._seconds)

    async def _attend(self, resource: Resource) -> bool:
        """Starts it when it has not been, and pings it. True when well."""
        try:
            if resource.name not in self._started:
                if resource not in self._tried:
                    self._tried.append(resource)
                await resource.start()
                self._started.add(resource.name)
            async with asyncio.timeout(PING_SECONDS):
                await resource.ping()
        except Exception as error:
            if self.unwell.get(resource.name) != type(error).__name__:
                log.warning("resource is unwell", resource=resource.name, **logs.bug(error))
            self.unwell[resource.name] = type(error).__name__
        else:
            if self.unwell.pop(resource.name, None):
                log.info("resource is well again", resource=resource.name)
        well = resource.name not in self.unwell
        telemetry.measure(names.RESOURCE_WELL, float(well), self._service, resource.name)
        return well

    async def _tell(self, ready: bool) -> None:
        telemetry.measure(names.READY, float(ready), self._service)
        if ready == self.ready.is_set():
            return
        log.info("ready" if ready else "not ready", unwell=sorted(self.unwell))
        for name in self._readiness:
            await self.servicer.set(name, SERVING if ready else NOT_SERVING)
        if ready:
            self.ready.set()
        else:
            self.ready.clear()


def _optional(resource: Resource) -> bool:
    return bool(getattr(resource, "optional", False))
