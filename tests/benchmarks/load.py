"""A load on a server: so many requests in flight, or so many a second whatever becomes of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import numpy as np

Ask = Callable[[], Awaitable[object]]


class Load(NamedTuple):
    """What came of it: answers a second, and the seconds that each took, in no order."""

    per_second: float
    seconds: Sequence[float]

    def percentile(self, percent: float) -> float:
        """The least latency, in seconds, that so many percent of them do not exceed (nearest rank)."""
        if not self.seconds:
            return float("nan")
        ranked = np.sort(np.asarray(self.seconds))
        return float(ranked[max(0, int(np.ceil(percent / 100 * len(ranked))) - 1)])


async def in_flight(ask: Ask, count: int, seconds: float) -> Load:
    """`count` callers, each of whom asks again once it is answered. Raises what any request raised."""
    took, ends = list[float](), time.perf_counter() + seconds
    began = time.perf_counter()

    async def caller() -> None:
        while (now := time.perf_counter()) < ends:
            await ask()
            took.append(time.perf_counter() - now)

    await asyncio.gather(*(caller() for _ in range(count)))
    return Load(len(took) / (time.perf_counter() - began), took)


async def at_rate(ask: Ask, rate: float, seconds: float, seed: int = 0) -> Load:
    """Requests at Poisson times, none of which waits for another's answer.

    A latency counts from the time a request was due, so that a server or a client that falls behind shows.
    Raises what any request raised.
    """
    drawn = np.random.default_rng(seed)
    due = np.cumsum(drawn.exponential(1 / rate, max(1, round(rate * seconds))))
    took, began, tasks = list[float](), time.perf_counter(), list[asyncio.Task[None]]()

    async def one(at: float) -> None:
        await ask()
        took.append(time.perf_counter() - began - at)

    for at in due.tolist():
        if (wait := at - (time.perf_counter() - began)) > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(one(at)))
    await asyncio.gather(*tasks)
    return Load(len(took) / (time.perf_counter() - began), took)


def highest(most: float, holds: Callable[[float], bool], steps: int = 6) -> float:
    """The highest rate up to `most` at which something holds, by bisection; 0 when it holds nowhere tried."""
    low, high = 0.0, most
    if holds(most):
        return most
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
