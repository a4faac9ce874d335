"""What runs beside the calls: the open database, and the clock that moves held prices on."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from services.kit import logs
from services.pricing.adapters.store import CHUNK, Store

_logger = logs.get(__name__)


class Opened:
    """The store, open from start to close. PostgreSQL may come up later than we do: start keeps trying."""

    def __init__(self, store: Store, name: str = "database") -> None:
        self.name, self._store = name, store

    async def start(self) -> None:
        """Creates missing tables and reads all prices into memory."""
        await asyncio.to_thread(self._store.open)

    async def ping(self) -> None:
        """Raises when the database does not answer."""
        await asyncio.to_thread(self._store.database.ping)

    async def close(self) -> None:
        """Closes all connections."""
        await asyncio.to_thread(self._store.database.close)


class Ticker:
    """Every so many seconds: prices that a step held back, what else is due, what other replicas wrote."""

    def __init__(
        self, store: Store, turns: Sequence[Callable[[], None]], seconds: float, name: str = "ticker"
    ) -> None:
        """`turns` do what else is due."""
        self.name, self._store, self._turns, self._seconds = name, store, turns, seconds
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to tick."""
        self._task = asyncio.create_task(self._run())

    async def ping(self) -> None:
        """Raises RuntimeError when it stopped."""
        if self._task is None or self._task.done():
            raise RuntimeError(f"{self.name} has stopped")

    async def close(self) -> None:
        """Stops after the tick in hand, and lets go of a record that waits for the database."""
        self._store.stopping.set()
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                while await asyncio.to_thread(self._store.make_due) == CHUNK:
                    pass
                for turn in self._turns:
                    await asyncio.to_thread(turn)
                await asyncio.to_thread(self._store.refresh)
            except Exception as error:  # the database is away: its own ping tells, the next tick tries again
                _logger.warning("pricing.tick_failed", **logs.bug(error))
            await asyncio.sleep(self._seconds)
