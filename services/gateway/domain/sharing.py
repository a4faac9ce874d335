"""Answers that are the same for everybody: fetched once for all who ask at once, and used again a while."""

import asyncio
import contextvars
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final

from services.gateway.domain.errors import BackendError
from services.gateway.domain.model import Answer, Status

KEPT: Final = 2_000  # answers


@dataclass(frozen=True, slots=True)
class Keep:
    """How long an answer is used, in seconds since it came: as new; as STALE while a newer one is fetched
    in the background; as STALE when the service does not answer."""

    fresh: float = 0.0
    stale: float = 0.0
    spare: float = 0.0


ONCE = Keep()
"""Shared by those who ask at the same time, and not kept."""


class Shared:
    """Coalesces and keeps answers by key. Never use it for what depends on who asks."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[float, Answer]] = OrderedDict()
        self._fetching: dict[Hashable, asyncio.Task[Answer]] = {}

    async def get(self, key: Hashable, fetch: Callable[[], Awaitable[Answer]], keep: Keep = ONCE) -> Answer:
        """The answer for a key. Raises what `fetch` raises when no kept answer may stand in."""
        came, kept = self._kept.get(key, (0.0, None))
        age = self._clock() - came
        if kept and age <= keep.fresh:
            return kept
        if kept and age <= keep.stale:
            # In a context of its own: it must not end with the deadline of who happened to ask.
            self._fetch(key, fetch, keep, contextvars.Context())
            return replace(kept, status=Status.STALE)
        try:
            return await asyncio.shield(self._fetch(key, fetch, keep, contextvars.copy_context()))
        except BackendError:
            if kept and age <= keep.spare:
                return replace(kept, status=Status.STALE)
            raise

    def _fetch(
        self,
        key: Hashable,
        fetch: Callable[[], Awaitable[Answer]],
        keep: Keep,
        context: contextvars.Context,
    ) -> asyncio.Task[Answer]:
        if key not in self._fetching:
            task = asyncio.get_running_loop().create_task(self._run(key, fetch, keep), context=context)
            # Nobody may be left to hear of a failure; saying so is the section's business, not the loop's.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._fetching[key] = task
        return self._fetching[key]

    async def _run(self, key: Hashable, fetch: Callable[[], Awaitable[Answer]], keep: Keep) -> Answer:
        try:
            answer = await fetch()
        finally:
            del self._fetching[key]
        if keep is not ONCE:
            self._kept[key] = (self._clock(), answer)
            self._kept.move_to_end(key)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return answer
