"""Pictures whose host does not give them now: when each may be asked for again."""

import math
import time
from typing import Final, NamedTuple

LAST_RETRY: Final = 3600.0
"""The longest wait, in seconds; each is twice the one before."""

GIVEN_UP: Final = 3
"""After so many times in vain, what else is there does not wait for a picture any longer."""


class _Wait(NamedTuple):
    until: float
    tries: int


class Postponed:
    """By picture. Kept in memory: a new process asks at once."""

    def __init__(self, first: float) -> None:
        """`first` is the first wait, in seconds."""
        self._first = first
        self._waits: dict[str, _Wait] = {}

    def put(self, key: str) -> float:
        """One more time in vain; returns the seconds until the next."""
        tries = self._waits[key].tries + 1 if key in self._waits else 1
        seconds = min(self._first * 2.0 ** (tries - 1), LAST_RETRY)
        self._waits[key] = _Wait(time.monotonic() + seconds, tries)
        return seconds

    def take(self, key: str) -> None:
        """It came."""
        self._waits.pop(key, None)

    def clear(self) -> None:
        """All may be asked for at once."""
        self._waits.clear()

    def may(self, key: str) -> bool:
        """Whether it may be asked for now."""
        return key not in self._waits or self._waits[key].until <= time.monotonic()

    def due(self) -> bool:
        """Whether any that waited may be asked for now."""
        return min((wait.until for wait in self._waits.values()), default=math.inf) <= time.monotonic()

    def given_up(self, key: str) -> bool:
        """Whether it came to nothing several times."""
        return key in self._waits and self._waits[key].tries >= GIVEN_UP
