"""The log and the view that follows it, as one resource: a view serves on while the log is away."""

import asyncio

from services.kit.errors import ServiceError
from services.kit.follower import Follower
from services.kit.log import Log
from services.kit.views import View

PATIENCE = 3.0
"""Seconds that a start waits for the log before it goes on with the view as it was."""


class Following:
    """Starts the log and a follower of the view, and tells how well both are.

    A start waits until the view has caught up, so that the first answer is a whole one. When the log does not
    answer within `patience` seconds, or goes away later, a view that was ever built serves as it is: the
    service stays ready, and only metrics and logs tell. With `empty_serves` a view that never was does too.
    """

    def __init__(
        self,
        log: Log,
        view: View,
        *,
        name: str = "log",
        patience: float = PATIENCE,
        empty_serves: bool = False,
    ) -> None:
        self.name = name
        self.follower = Follower(log, view, f"{name}.view")
        self._log = log
        self._view = view
        self._patience = patience
        self._serves = empty_serves
        self._starting: asyncio.Task[None] | None = None

    @property
    def optional(self) -> bool:
        """Whether the view serves without the log: it has been built, and nothing keeps it from following."""
        return self._serves and not self.follower.stopped

    async def start(self) -> None:
        """Returns when the view has caught up, or when the log does not answer."""
        self._serves = self._serves or any(self._view.position(stream) for stream in self._view.streams)
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
        await self.follower.start()
        self._serves = True

    async def ping(self) -> None:
        """Raises ServiceError(LOG_UNAVAILABLE) while the log does not answer or the view catches up."""
        if self._starting is None or not self._starting.done():
            raise ServiceError("LOG_UNAVAILABLE", "the view has not caught up with the log")
        self._starting.result()
        await self.follower.ping()
        await self._log.ping()

    async def close(self) -> None:
        """Stops following, then lets go of the log."""
        if self._starting and not self._starting.done():
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self.follower.close()
        await self._log.close()
