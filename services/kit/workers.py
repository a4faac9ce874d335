"""A small bounded pool of threads for work that would block the event loop: faiss, numpy, SQLite."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, ParamSpec, TypeVar

from services.kit import deadline
from services.kit.errors import ServiceError

P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    """Runs functions in threads; refuses with OVERLOADED when `queue` of them wait already."""

    def __init__(self, name: str, threads: int = 1, queue: int = 64) -> None:
        """`threads` run at once, and at most `queue` wait."""
        self.name = name
        self._limit = threads + queue
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._pending = 0
        self._lock = Lock()
        self._closed = False

    async def start(self) -> None:
        """Nothing to do: threads start with the first work."""

    async def ping(self) -> None:
        """Raises RuntimeError once closed."""
        if self._closed:
            raise RuntimeError(f"workers {self.name} are closed")

    async def close(self) -> None:
        """Waits for what runs; what waits is cancelled."""
        self._closed = True
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    @property
    def pending(self) -> int:
        """Functions that run or wait."""
        return self._pending

    async def run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result. Raises ServiceError: OVERLOADED; DEADLINE_EXCEEDED when the turn is late."""
        with self._lock:
            if self._pending >= self._limit:
                raise ServiceError("OVERLOADED", f"{self.name} has no room for more work")
            self._pending += 1
        context = contextvars.copy_context()

        def work() -> T:
            if deadline.remaining() == 0.0:
                raise ServiceError("DEADLINE_EXCEEDED", f"the deadline passed while waiting for {self.name}")
            return fn(*args, **kwargs)

        try:
            future: Future[T] = self._pool.submit(context.run, work)
        except BaseException:
            self._done(None)
            raise
        future.add_done_callback(self._done)
        return await asyncio.wrap_future(future)

    def _done(self, _: Future[Any] | None) -> None:
        with self._lock:
            self._pending -= 1
