"""Hedged calls: when an answer is later than usual, ask a second time and take whichever comes first."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final, TypeVar

T = TypeVar("T")

REMEMBERED: Final = 128  # latencies
LEAST_REMEMBERED: Final = 20  # before that nothing is usual
SHARE: Final = 0.05  # of the calls may be asked twice
BURST: Final = 5.0
EARLIEST: Final = 0.01  # seconds


class Hedge:
    """The hedging of one idempotent method. Costs at most one call in twenty more."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._latencies: deque[float] = deque(maxlen=REMEMBERED)
        self._budget = 1.0
        self._usual: float | None = None
        self.hedged = 0

    @property
    def usual(self) -> float | None:
        """The 95th percentile of the last latencies, seconds; None while too few are known."""
        return self._usual

    async def call(self, attempt: Callable[[], Awaitable[T]], allowed: bool = True) -> T:
        """The first good answer of one or two attempts. Raises what the last of them raised."""
        self._budget = min(BURST, self._budget + SHARE)
        started = self._clock()
        if not allowed or self._usual is None:
            answer = await attempt()
        else:
            answer = await self._race(attempt, max(self._usual, EARLIEST))
        self._remember(self._clock() - started)
        return answer

    async def _race(self, attempt: Callable[[], Awaitable[T]], delay: float) -> T:
        tasks = {asyncio.ensure_future(attempt())}
        waiting = tasks.copy()
        try:
            done, waiting = await asyncio.wait(waiting, timeout=delay)
            if not done and self._budget >= 1:
                self._budget -= 1
                self.hedged += 1
                tasks.add(second := asyncio.ensure_future(attempt()))
                waiting = waiting | {second}
            while True:
                good = [task for task in done if not task.exception()]
                if good or (done and not waiting):
                    return (good or list(done))[0].result()
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    def _remember(self, latency: float) -> None:
        self._latencies.append(latency)
        if len(self._latencies) >= LEAST_REMEMBERED:
            # Sorting 128 numbers costs some microseconds, less than the call by far.
            self._usual = sorted(self._latencies)[int(0.95 * len(self._latencies))]
