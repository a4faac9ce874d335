"""A circuit before one backend: after repeated failures it is left alone for a while, then tried once."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from services.gateway.domain.errors import BackendError, BackendUnavailable

FAILURES: Final = 5  # in a row
SHORTEST, LONGEST = 0.5, 8.0  # seconds left alone; doubles with each failed try


class Circuit:
    """Closed: calls pass. Open: calls fail at once. Half open: one call passes and decides."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._clock = clock
        self._failures = 0
        self._pause = SHORTEST
        self._opens_at = 0.0  # when the next try may pass, while open
        self._trying = False

    @property
    def open(self) -> bool:
        """Whether calls fail at once."""
        return self._failures >= FAILURES and (self._trying or self._clock() < self._opens_at)

    @property
    def well(self) -> bool:
        """Whether the last call went well."""
        return self._failures == 0

    @contextmanager
    def attempt(self, fair: bool = True) -> Iterator[None]:
        """Around one call. Raises BackendUnavailable when open.

        A BackendError of the block counts as a failure when `fair`: a call that was given less time than it
        needs says nothing of the backend. Other exceptions, a cancellation among them, say nothing either.
        """
        if self.open:
            raise BackendUnavailable(f"{self.name} is left alone for now")
        probing = self._failures >= FAILURES
        self._trying = probing or self._trying
        try:
            yield
        except BackendError:
            if fair:
                self._failed()
            raise
        else:
            self._failures, self._pause = 0, SHORTEST
        finally:
            if probing:
                self._trying = False

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES:
            self._opens_at = self._clock() + self._pause
            self._pause = min(2 * self._pause, LONGEST)
