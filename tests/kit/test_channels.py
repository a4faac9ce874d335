"""What our channels do for every call: request id, deadline, retries, limits."""

import asyncio

import grpc
import pytest
from aisle.search.v1 import search_pb2, search_pb2_grpc

from services.kit import deadline, logs
from services.kit.channels import ATTEMPTS, MAX_MESSAGE_BYTES, connect
from services.kit.errors import reason_of
from services.kit.server import serve
from services.kit.testing import running, serving
from tests.kit.echo import ask, echo_service


def front(channel, *, timeout=None):
    """A service that asks the one behind the channel the same."""

    async def forward(request, context):
        return search_pb2.SearchResponse(served_by=await ask(channel, request.query, timeout=timeout))

    return echo_service(forward)


async def test_the_deadline_is_passed_on():
    async with serving(echo_service()) as back, serving(front(back)) as channel:
        assert await ask(channel, "left") == "None"
        assert 0 < float(await ask(channel, "left", timeout=5)) < 5.5  # gRPC rounds it on the wire


async def test_a_call_s_own_timeout_holds_when_it_is_shorter():
    async with serving(echo_service()) as back, serving(front(back, timeout=3)) as channel:
        assert float(await ask(channel, "left", timeout=60)) < 3.1
        assert float(await ask(channel, "left", timeout=1)) < 1.1


async def test_a_slow_backend_ends_both_calls_at_the_deadline():
    async with serving(echo_service()) as back, serving(front(back)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(channel, "slow:60", timeout=0.2)
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


async def test_nothing_is_asked_when_no_time_is_left():
    service = echo_service()
    async with serving(service) as channel:
        with deadline.deadline(0), pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(channel, "hello")
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert service.endpoints[0].servicer.calls == 0


async def trailers_of(channel, query="hello", **metadata):
    call = search_pb2_grpc.SearchServiceStub(channel).Search(
        search_pb2.SearchRequest(query=query), metadata=tuple(metadata.items())
    )
    await call
    return dict(await call.trailing_metadata())


async def request_id_of(request, context):
    return search_pb2.SearchResponse(served_by=logs.request_id.get())


async def test_a_request_id_goes_in_through_and_out():
    async with serving(echo_service(request_id_of)) as back, serving(front(back)) as channel:
        assert await ask(channel, "x", metadata=(("x-request-id", "r-1"),)) == "r-1"
        assert await trailers_of(channel, **{"x-request-id": "r-2"}) == {"x-request-id": "r-2"}


@pytest.mark.parametrize("bad", [None, "", "a b", "x" * 65, "name@example.com"])
async def test_a_missing_or_strange_request_id_is_replaced(bad):
    async with serving(echo_service(request_id_of)) as channel:
        metadata = {} if bad is None else {"x-request-id": bad}
        assert len((await trailers_of(channel, **metadata))["x-request-id"]) == 32


async def test_each_call_has_its_own_request_id():
    async with serving(echo_service(request_id_of)) as channel:
        assert len(set(await asyncio.gather(*[ask(channel, "x") for _ in range(20)]))) == 20
    assert logs.request_id.get() == ""


async def test_unavailable_is_tried_three_times():
    service = echo_service()
    async with serving(service) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(channel, "refuse:INFERENCE_UNAVAILABLE")
    assert reason_of(caught.value) == "INFERENCE_UNAVAILABLE"
    assert service.endpoints[0].servicer.calls == ATTEMPTS


@pytest.mark.parametrize("query", ["refuse:OVERLOADED", "refuse:CONFLICT", "refuse:REQUIRED", "bug"])
async def test_nothing_else_is_tried_again(query):
    service = echo_service()
    async with serving(service) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await ask(channel, query)
    assert service.endpoints[0].servicer.calls == 1


async def test_retries_stop_when_too_many_calls_fail():
    service = echo_service()
    async with serving(service) as channel:
        for _ in range(30):
            with pytest.raises(grpc.aio.AioRpcError):
                await ask(channel, "refuse:LOG_UNAVAILABLE")
    assert service.endpoints[0].servicer.calls < 30 + ATTEMPTS * 5


async def test_a_channel_finds_a_server_that_comes_back():
    async with running(echo_service()) as server:
        target = server.target
        async with connect(target) as channel:
            assert await ask(channel, "one") == "one"
            await server.stop()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ask(channel, "two")
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
            again = await serve(echo_service(), target)
            assert await ask(channel, "three", wait_for_ready=True, timeout=20) == "three"
            await again.stop()


@pytest.mark.parametrize("side", ["request", "answer"])
async def test_a_message_above_16_mib_is_refused_with_a_clear_error(side):
    async def big(request, context):
        return search_pb2.SearchResponse(served_by="x" * (MAX_MESSAGE_BYTES if side == "answer" else 1))

    async with serving(echo_service(big)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(channel, "x" * (MAX_MESSAGE_BYTES if side == "request" else 1))
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in caught.value.details()


async def test_a_message_of_15_mib_passes():
    async with serving(echo_service()) as channel:
        assert len(await ask(channel, "x" * (15 << 20))) == 15 << 20
