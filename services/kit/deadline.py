"""The time left for the call at hand; gRPC for Python passes no deadline on, this does."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends: ContextVar[float | None] = ContextVar("deadline", default=None)


def remaining() -> float | None:
    """Seconds left, never below 0; None when the call has no deadline."""
    ends = _ends.get()
    return None if ends is None else max(0.0, ends - time.monotonic())


def within(cap: float, *, reserve: float = 0.0) -> float:
    """Seconds that a part of the call may take: its cap, or what is left less the reserve."""
    left = remaining()
    return cap if left is None else max(0.0, min(cap, left - reserve))


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Gives the block at most so many seconds; never more than the deadline around it. None adds none."""
    if seconds is None:
        yield
        return
    ends, outer = time.monotonic() + seconds, _ends.get()
    token = _ends.set(ends if outer is None else min(ends, outer))
    try:
        yield
    finally:
        _ends.reset(token)
