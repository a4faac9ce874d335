"""What waits goes together; each gets its own result."""

import asyncio
from collections.abc import Sequence

import pytest

from services.kit.testing import wait_until
from services.vision.adapters.together import Together


async def test_who_comes_alone_waits_for_nobody_and_a_crowd_goes_together() -> None:
    calls, gate = [], asyncio.Event()

    async def ask(some: Sequence[int]) -> list[int | Exception]:
        calls.append([*some])
        await gate.wait()
        return [ValueError("odd") if one % 2 else 10 * one for one in some]

    together = Together(ask, most=3, at_once=2)
    waiting = [asyncio.create_task(together(n)) for n in range(7)]
    await wait_until(lambda: len(calls) == 2)
    waiting[5].cancel()
    gate.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert calls == [[0], [1], [2, 3, 4], [6]]
    assert [results[n] for n in (0, 2, 4, 6)] == [0, 20, 40, 60]
    assert [type(results[n]) for n in (1, 3, 5)] == [ValueError, ValueError, asyncio.CancelledError]


async def test_a_call_that_fails_fails_for_all_of_it_and_the_next_goes_on() -> None:
    async def ask(some: Sequence[int]) -> list[int | Exception]:
        if 1 in some:
            raise OSError("away")
        return [*some]

    together = Together(ask, most=2, at_once=1)
    results = await asyncio.gather(*map(together, range(5)), return_exceptions=True)
    assert [str(result) for result in results] == ["0", "away", "away", "3", "4"]
    with pytest.raises(OSError, match="away"):
        await together(1)
