"""The bounded pool of threads: what runs, what waits, what is refused."""

import asyncio
import threading

import grpc
import pytest
from aisle.search.v1 import search_pb2

from services.kit import deadline, logs
from services.kit.errors import ServiceError, reason_of
from services.kit.testing import serving, wait_until
from services.kit.workers import Workers
from tests.kit.echo import ask, echo_service


@pytest.fixture
async def workers():
    pool = Workers("index", threads=1, queue=1)
    yield pool
    await pool.close()


async def test_it_runs_in_a_thread_that_bears_its_name(workers):
    assert (await workers.run(lambda: threading.current_thread().name)).startswith("index")
    assert await workers.run(divmod, 7, 2) == (3, 1)


async def test_an_error_comes_back(workers):
    with pytest.raises(ZeroDivisionError):
        await workers.run(divmod, 1, 0)


async def test_more_than_fits_is_refused_until_there_is_room(workers):
    gate = threading.Event()
    full = [asyncio.create_task(workers.run(gate.wait)) for _ in range(2)]
    await wait_until(lambda: workers.pending == 2)
    with pytest.raises(ServiceError) as caught:
        await workers.run(gate.wait)
    assert caught.value.reason == "OVERLOADED"
    gate.set()
    await asyncio.gather(*full)
    await wait_until(lambda: workers.pending == 0)
    assert await workers.run(lambda: 1) == 1


async def test_what_waited_past_its_deadline_is_not_run(workers):
    gate, ran = threading.Event(), []
    first = asyncio.create_task(workers.run(gate.wait))
    await wait_until(lambda: workers.pending == 1)
    with deadline.deadline(0.01):
        late = asyncio.create_task(workers.run(ran.append, 1))
        await wait_until(lambda: deadline.remaining() == 0)
    gate.set()
    with pytest.raises(ServiceError) as caught:
        await late
    assert (caught.value.reason, ran, await first) == ("DEADLINE_EXCEEDED", [], True)


async def test_what_is_cancelled_while_it_waits_is_not_run(workers):
    gate, ran = threading.Event(), []
    first = asyncio.create_task(workers.run(gate.wait))
    await wait_until(lambda: workers.pending == 1)
    waiting = asyncio.create_task(workers.run(ran.append, 1))
    await wait_until(lambda: workers.pending == 2)
    waiting.cancel()
    await wait_until(lambda: workers.pending == 1)
    gate.set()
    assert (await first, ran) == (True, [])


async def test_the_request_id_goes_into_the_thread(workers):
    token = logs.request_id.set("r-1")
    assert await workers.run(logs.request_id.get) == "r-1"
    logs.request_id.reset(token)


async def test_a_caller_learns_that_the_workers_are_full(workers):
    gate = threading.Event()

    async def answer(request, context):
        return search_pb2.SearchResponse(served_by=str(await workers.run(gate.wait)))

    async with serving(echo_service(answer, [workers])) as channel:
        full = [asyncio.create_task(ask(channel, "x")) for _ in range(2)]
        await wait_until(lambda: workers.pending == 2)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(channel, "x")
        gate.set()
        assert reason_of(caught.value) == "OVERLOADED"
        assert await asyncio.gather(*full) == ["True", "True"]


async def test_closed_workers_are_unwell():
    pool = Workers("index")
    await pool.ping()
    await pool.close()
    with pytest.raises(RuntimeError):
        await pool.ping()
