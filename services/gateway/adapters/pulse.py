"""Measures how late the event loop runs, which is how the gateway knows that it has too much to do."""

import asyncio
import time
from typing import Final

from services.gateway.domain.admission import Admissions

BEAT: Final = 0.1  # seconds


class Pulse:
    """A resource that feeds the adaptive limit."""

    name = "gateway-pulse"
    optional = True

    def __init__(self, admissions: Admissions) -> None:
        self._admissions = admissions
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to measure."""
        self._task = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            started = time.monotonic()
            await asyncio.sleep(BEAT)
            self._admissions.observe(time.monotonic() - started - BEAT)

    async def ping(self) -> None:
        """Raises RuntimeError when it has stopped."""
        if self._task is None or self._task.done():
            raise RuntimeError("the pulse has stopped")

    async def close(self) -> None:
        """Stops."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
