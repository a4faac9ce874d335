"""Keeps a view up to date with the log."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from services.kit import logs
from services.kit.errors import ServiceError, passing
from services.kit.log import Log, Record
from services.kit.views import View

AGAIN_SECONDS = 0.2

_logger = logs.get(__name__)


class Follower:
    """Applies the log's records to a view, one batch at a time, in a thread of its own."""

    def __init__(self, log: Log, view: View, name: str = "view") -> None:
        self.name = name
        self._log = log
        self._view = view
        self._applied: dict[str, int] = {}
        self._ends: dict[str, int] = {}
        self._moved = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def start(self) -> None:
        """Returns when the view has all that the log held when this was called, and then goes on following.

        Keeps trying while the log does not answer.
        """
        ends = {stream: await self._end(stream) for stream in self._view.streams}
        self._applied = {stream: self._view.position(stream) for stream in self._view.streams}
        if any(self._applied[stream] > ends[stream] for stream in ends):
            _logger.error("view.log_replaced", view=self.name)
            await self._run(self._view.clear)
            self._applied = dict.fromkeys(ends, 0)
        self._ends = dict(ends)
        self._tasks = [asyncio.create_task(self._follow(stream)) for stream in self._view.streams]
        _logger.info("view.catching_up", view=self.name, behind=dict(self.lag()))
        for stream, end in ends.items():
            await self.wait_for(stream, end)
        _logger.info("view.caught_up", view=self.name)

    async def _end(self, stream: str) -> int:
        while True:
            try:
                return await self._log.end(stream)
            except ServiceError:
                await asyncio.sleep(0.2)

    async def _follow(self, stream: str) -> None:
        async for records in self._log.read(stream, self._applied[stream]):
            await self._apply(records)
            async with self._moved:
                self._applied[stream] = records[-1].sequence
                self._ends[stream] = max(self._ends[stream], records[-1].sequence)
                self._moved.notify_all()

    async def _apply(self, records: Sequence[Record]) -> None:
        """Applies a batch, again and again while something that the view writes to is away."""
        told = False
        while True:
            try:
                return await self._run(self._view.apply, records)
            except ServiceError as error:
                if not passing(error):
                    raise
                if not told:
                    _logger.warning("view.waits", view=self.name, reason=error.reason)
                told = True
                await asyncio.sleep(AGAIN_SECONDS)

    async def _run(self, function: Callable[..., None], *arguments: Sequence[Record]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    @property
    def stopped(self) -> bool:
        """Whether following has ended by itself: the view refused a record."""
        return any(task.done() for task in self._tasks)

    async def ping(self) -> None:
        """Raises when following has stopped: its view would grow old without a word."""
        for task in self._tasks:
            if task.done():
                raise RuntimeError(f"{self.name} stopped following") from (
                    None if task.cancelled() else task.exception()
                )

    def lag(self) -> Mapping[str, int]:
        """How many sequences each stream's last known end lies ahead of the view."""
        return {stream: max(0, end - self._applied[stream]) for stream, end in self._ends.items()}

    async def wait_for(self, stream: str, sequence: int) -> None:
        """Waits until the view holds a sequence. Raises what stopped the follower, if it stopped."""
        while self._applied[stream] < sequence:
            await self.ping()
            async with self._moved:
                try:
                    async with asyncio.timeout(1):
                        await self._moved.wait_for(lambda: self._applied[stream] >= sequence)
                except TimeoutError:
                    continue  # only to look whether it still follows

    async def close(self) -> None:
        """Stops after the batch in hand."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._thread.shutdown(wait=True)
