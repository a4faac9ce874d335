"""Has things that come at the same time done together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Given = TypeVar("Given")
Got = TypeVar("Got")


class Together(Generic[Given, Got]):
    """Calls `ask` with what waits, as soon as fewer than `at_once` calls are under way.

    So whoever comes alone waits for nobody, and in a crowd a call is for up to `most`. What `ask` returns for
    one, result or exception, is that one's alone; what it raises, all of its call get.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Given]], Awaitable[Sequence[Got | Exception]]],
        *,
        most: int,
        at_once: int,
    ) -> None:
        self.most, self.at_once = most, at_once
        self._ask = ask
        self._waiting: deque[tuple[Given, asyncio.Future[Got]]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()

    async def __call__(self, given: Given) -> Got:
        """Its result, or its exception."""
        future: asyncio.Future[Got] = asyncio.get_running_loop().create_future()
        self._waiting.append((given, future))
        self._send()
        return await future

    def _send(self) -> None:
        while self._waiting and len(self._under_way) < self.at_once:
            some = [self._waiting.popleft() for _ in range(min(self.most, len(self._waiting)))]
            wanted = [one for one in some if not one[1].done()]  # nobody waits any more for the others
            if wanted:
                task = asyncio.create_task(self._answer(wanted))
                self._under_way.add(task)
                task.add_done_callback(self._next)

    def _next(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._send()

    async def _answer(self, some: Sequence[tuple[Given, "asyncio.Future[Got]"]]) -> None:
        results: Sequence[Got | Exception]
        try:
            results = await self._ask([given for given, _ in some])
        except Exception as error:
            results = [error] * len(some)
        for (_, future), result in zip(some, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
