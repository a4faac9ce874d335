"""The log as the write path sees it, and as the gateway holds it: pages are served without it too."""

import asyncio
from collections.abc import Sequence

from services.gateway.domain.errors import Refused
from services.gateway.domain.ports import Appended, Stream
from services.kit.errors import ServiceError
from services.kit.follower import Follower
from services.kit.log import Entry, Log


class LogJournal:
    """The Journal over the kit's log."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def append(
        self, stream: Stream, entries: Sequence[tuple[str, bytes]]
    ) -> Sequence[Appended | Refused]:
        """See Journal.append."""
        results = await self._log.append([Entry(stream.value, key, payload) for key, payload in entries])
        return [
            Refused(result.reason, str(result), field=result.field)
            if isinstance(result, ServiceError)
            else Appended(result.duplicate)
            for result in results
        ]


class Following:
    """The log and the follower of the gateway's view, as one resource that readiness does not need.

    The start waits until the view has caught up, so that the first page is a whole one; but when the log does
    not answer within `patience` seconds it goes on in the background, and pages come from the view as it was.
    """

    name = "gateway-log"
    optional = True

    def __init__(self, log: Log, follower: Follower, patience: float) -> None:
        self._log = log
        self._follower = follower
        self._patience = patience
        self._starting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when the view has caught up, or when the log does not answer."""
        connected = asyncio.Event()
        self._starting = asyncio.create_task(self._start(connected))
        try:
            async with asyncio.timeout(self._patience):
                await connected.wait()
        except TimeoutError:
            return
        await asyncio.shield(self._starting)

    async def _start(self, connected: asyncio.Event) -> None:
        await self._log.start()
        connected.set()
        await self._follower.start()

    async def ping(self) -> None:
        """Raises ServiceError(LOG_UNAVAILABLE) while the log does not answer or the view catches up."""
        if self._starting is None or not self._starting.done():
            raise ServiceError("LOG_UNAVAILABLE", "the view has not caught up with the log")
        self._starting.result()
        await self._log.ping()
        await self._follower.ping()

    async def close(self) -> None:
        """Stops following, then lets go of the log."""
        if self._starting and not self._starting.done():
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self._follower.close()
        await self._log.close()
