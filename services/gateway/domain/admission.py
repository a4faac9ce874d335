"""Load shedding: how many pages may be composed at once, and which go first when that is too many."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final

from services.gateway.domain.errors import Refused

LEAST, MOST = 8, 512  # pages at once
STEP_UP, STEP_DOWN = 4, 0.7  # additive increase, multiplicative decrease
LATE: Final = 0.05  # seconds that the event loop runs late when the gateway has too much to do


class Priority(Enum):
    """What matters more; the value is the share of the limit that this kind may fill."""

    CHECKOUT = 1.0
    BROWSE = 0.85
    PREFETCH = 0.6


@dataclass(frozen=True, slots=True)
class Admission:
    """A page that may be composed; when `strained`, without the sections that can be left out."""

    strained: bool


class Admissions:
    """An adaptive limit on pages at once.

    It falls when the gateway's own event loop runs late and rises while it does not. A slow service behind
    it does not lower it: waiting costs the gateway nothing, and circuits and budgets deal with that.
    """

    def __init__(self, limit: int = 64) -> None:
        self.limit = float(limit)
        self.in_flight = 0
        self._most = 0  # since the last observation

    def observe(self, lag: float) -> None:
        """Takes one measurement of how late the event loop runs, seconds."""
        if lag > LATE:
            self.limit = max(LEAST, self.limit * STEP_DOWN)
        elif self._most * 2 >= self.limit:  # a limit that nobody comes near proves nothing
            self.limit = min(MOST, self.limit + STEP_UP)
        self._most = self.in_flight

    @contextmanager
    def admit(self, priority: Priority) -> Iterator[Admission]:
        """Around one page. Refused with OVERLOADED when its priority has no room."""
        if self.in_flight >= self.limit * priority.value:
            raise Refused("OVERLOADED", "the gateway answers what matters more first; try again later")
        strained = self.in_flight >= self.limit * Priority.PREFETCH.value
        self.in_flight += 1
        self._most = max(self._most, self.in_flight)
        try:
            yield Admission(strained)
        finally:
            self.in_flight -= 1
