"""The gateway's clock, for judging whether an event lies in the future."""

import time
from collections.abc import Callable


class SteadyClock:
    """Never runs behind the time that has passed since it was made.

    When the machine's clock is set back, events that were made in time would seem to lie in the future and
    be refused. A jump ahead is followed only as long as it lasts.
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._ahead = wall() - steady()

    def now(self) -> float:
        """Seconds since 1970."""
        return max(self._wall(), self._steady() + self._ahead)
