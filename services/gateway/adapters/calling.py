"""How the gateway calls one service: circuit before it, hedge beside it, its errors as the domain's own."""

from collections.abc import Awaitable
from typing import Any, Final, Protocol, TypeVar

import grpc

from services.gateway.domain.circuit import Circuit
from services.gateway.domain.errors import BackendTimedOut, BackendUnavailable, Refused
from services.gateway.domain.hedge import Hedge
from services.kit.channels import connect
from services.kit.errors import field_of, reason_of

Answer_co = TypeVar("Answer_co", covariant=True)
FAIR: Final = 0.1  # seconds; a call that got less may time out without the service being at fault
_CALLERS_FAULT = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)


class Method(Protocol[Answer_co]):
    """A unary method of a stub."""

    def __call__(self, request: Any, /, *, timeout: float) -> Awaitable[Answer_co]: ...


class Backend:
    """One service behind the gateway: a channel, opened with the first call, and a circuit."""

    optional = True  # pages are served without it

    def __init__(self, name: str, target: str, full_name: str) -> None:
        self.name = name
        self.circuit = Circuit(name)
        self._target, self._full_name = target, full_name
        self._channel: grpc.aio.Channel | None = None
        self._hedges: dict[str, Hedge] = {}

    @property
    def channel(self) -> grpc.aio.Channel:
        """Made in the event loop that uses it."""
        if self._channel is None:
            self._channel = connect(self._target, full_name=self._full_name)
        return self._channel

    async def start(self) -> None:
        """Begins to connect, so that the first page need not wait for it."""
        self.channel.get_state(try_to_connect=True)

    async def ping(self) -> None:
        """Raises BackendUnavailable while its circuit is open."""
        if self.circuit.open:
            raise BackendUnavailable(f"{self.name} is left alone for now")

    async def close(self) -> None:
        """Closes the channel."""
        if self._channel is not None:
            await self._channel.close(None)

    async def call(
        self, method: Method[Answer_co], request: Any, seconds: float, *, hedged: str = ""
    ) -> Answer_co:
        """The answer within so many seconds; `hedged` names an idempotent method that may be asked twice.

        Raises BackendTimedOut, BackendUnavailable, or Refused when the service finds the request wrong.
        """
        if seconds <= 0:
            raise BackendTimedOut(f"no time is left for {self.name}")

        async def attempt() -> Answer_co:
            try:
                return await method(request, timeout=seconds)
            except grpc.aio.AioRpcError as error:
                raise self._meaning(error) from None

        with self.circuit.attempt(fair=seconds >= FAIR):
            if not hedged:
                return await attempt()
            hedge = self._hedges.setdefault(hedged, Hedge())
            return await hedge.call(attempt, allowed=self.circuit.well)

    def _meaning(self, error: grpc.aio.AioRpcError) -> Exception:
        if error.code() in _CALLERS_FAULT and (reason := reason_of(error)):
            return Refused(reason, error.details() or reason, field=field_of(error))
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return BackendTimedOut(f"{self.name} did not answer in time")
        return BackendUnavailable(f"{self.name} failed: {error.code().name}")
