"""A service's health, drain, limits and introspection, on real channels."""

import asyncio

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.kit.channels import connect
from services.kit.errors import reason_of
from services.kit.server import serve
from services.kit.testing import running, serving, wait_until
from tests.kit.echo import FULL_NAME, ask, echo, echo_service

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Thing:
    """A resource that is as well as `well` says, and writes down what happens to it."""

    def __init__(
        self, name: str, diary: list[str] | None = None, *, well: bool = True, optional: bool = False
    ):
        self.name, self.well, self.optional = name, well, optional
        self.diary = [] if diary is None else diary

    async def start(self):
        self.diary.append(f"start {self.name}")

    async def ping(self):
        if not self.well:
            raise ConnectionError(f"{self.name} is gone")

    async def close(self):
        self.diary.append(f"close {self.name}")


async def health_of(channel: grpc.aio.Channel, name: str) -> int:
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=name))
    return answer.status


async def test_all_names_serve_once_resources_are_well():
    async with serving(echo_service(resources=[Thing("log")])) as channel:
        for name in ("", FULL_NAME, "startup", "readiness", "liveness"):
            assert await health_of(channel, name) == SERVING


async def test_the_port_answers_while_resources_start():
    thing = Thing("log", well=False)
    async with (
        running(echo_service(resources=[thing]), ready=False) as server,
        connect(server.target) as channel,
    ):
        await wait_until(lambda: "log" in server.health.unwell)
        assert await ask(channel, "hello") == "hello"
        told = {name: await health_of(channel, name) for name in ("", "startup", "readiness", FULL_NAME)}
        assert set(told.values()) == {NOT_SERVING}
        assert await health_of(channel, "liveness") == SERVING
        thing.well = True
        await server.ready()
        assert await health_of(channel, FULL_NAME) == await health_of(channel, "startup") == SERVING


async def test_readiness_turns_with_ping_and_startup_does_not():
    thing = Thing("log")
    async with running(echo_service(resources=[thing])) as server, connect(server.target) as channel:
        thing.well = False

        async def unready():
            return await health_of(channel, "readiness") == NOT_SERVING

        await wait_until(unready)
        assert await health_of(channel, FULL_NAME) == NOT_SERVING
        assert await health_of(channel, "startup") == await health_of(channel, "liveness") == SERVING
        thing.well = True
        await server.ready()
        assert await health_of(channel, "readiness") == SERVING


async def test_an_optional_resource_does_not_decide_readiness():
    async with running(echo_service(resources=[Thing("model", well=False, optional=True)])) as server:
        assert server.health.unwell == {"model": "ConnectionError"}


async def test_resources_start_in_order_and_close_in_reverse():
    diary: list[str] = []
    async with running(echo_service(resources=[Thing("a", diary), Thing("b", diary)])):
        pass
    assert diary == ["start a", "start b", "close b", "close a"]


async def test_a_start_that_fails_is_tried_again_and_closed_all_the_same():
    class Shy(Thing):
        async def start(self):
            await super().start()
            if len(self.diary) < 3:
                raise ConnectionError("not yet")

    shy = Shy("log")
    async with running(echo_service(resources=[shy])):
        pass
    assert shy.diary == ["start log"] * 3 + ["close log"]


async def test_a_resource_that_cannot_close_does_not_keep_the_others_open():
    class Stuck(Thing):
        async def close(self):
            raise OSError("stuck")

    other = Thing("a")
    async with running(echo_service(resources=[other, Stuck("b")])):
        pass
    assert other.diary == ["start a", "close a"]


async def test_no_call_fails_while_one_of_two_servers_drains():
    service = echo_service(drain_seconds=0.3)
    async with running(service) as one, running(service) as two:
        target = f"ipv4:{one.target},{two.target}"
        answered, ended = [0], asyncio.Event()

        async def load(channel):
            while not ended.is_set():
                await ask(channel, "slow:0.01")
                answered[0] += 1

        async with connect(target, full_name=FULL_NAME) as channel:
            loads = [asyncio.create_task(load(channel)) for _ in range(8)]
            await wait_until(lambda: answered[0] > 50)
            await one.drain()
            after = answered[0]
            await wait_until(lambda: answered[0] > after + 50)
            ended.set()
            await asyncio.gather(*loads)  # raises what any call raised


async def test_running_calls_end_within_the_grace_and_watches_do_not_hold_it_up():
    service = echo_service(grace_seconds=60.0)
    # full_name opens a watch
    async with running(service) as server, connect(server.target, full_name=FULL_NAME) as channel:
        call = asyncio.create_task(ask(channel, "slow:0.3"))
        await wait_until(lambda: service.endpoints[0].servicer.calls == 1)
        await asyncio.wait_for(server.drain(), 20)
        assert await call == "slow:0.3"


async def test_a_call_past_the_grace_is_broken_off():
    service = echo_service(grace_seconds=0.05)
    async with running(service) as server, connect(server.target) as channel:
        call = asyncio.create_task(ask(channel, "slow:60"))
        await wait_until(lambda: service.endpoints[0].servicer.calls == 1)
        await asyncio.wait_for(server.drain(), 20)
        with pytest.raises(grpc.aio.AioRpcError):
            await call


async def test_calls_above_the_limit_are_refused_as_overloaded_and_health_is_not():
    async with serving(echo_service(max_in_flight=2)) as channel:
        first = [asyncio.create_task(ask(channel, "slow:60")) for _ in range(2)]

        async def refused() -> bool:
            try:
                await ask(channel, "hello")
            except grpc.aio.AioRpcError as error:
                return reason_of(error) == "OVERLOADED"
            return False

        await wait_until(refused)
        assert await health_of(channel, "") == SERVING
        for call in first:
            call.cancel()
        await asyncio.gather(*first, return_exceptions=True)

        async def answered() -> bool:
            return not await refused()

        await wait_until(answered)


async def test_a_slow_handler_does_not_outlive_its_deadline():
    over = asyncio.Event()

    async def slow(request, context):
        try:
            return await echo(request, context)
        finally:
            over.set()

    async with serving(echo_service(slow)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(channel, "slow:60", timeout=0.2)
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        await asyncio.wait_for(over.wait(), 10)


async def test_reflection_lists_the_services():
    async with serving(echo_service()) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        ask_list = reflection_pb2.ServerReflectionRequest(list_services="")
        answers = [answer async for answer in stub.ServerReflectionInfo(iter([ask_list]))]
        listed = {service.name for service in answers[0].list_services_response.service}
        assert {FULL_NAME, "grpc.health.v1.Health"} <= listed


async def test_channelz_tells_of_the_server():
    async with serving(echo_service()) as channel:
        stub = channelz_pb2_grpc.ChannelzStub(channel)
        answer = await stub.GetServers(channelz_pb2.GetServersRequest(start_server_id=0))
        assert len(answer.server) >= 1


async def test_several_services_in_one_test():
    async with serving(echo_service()) as one, serving(echo_service()) as two:
        assert [await ask(one, "1"), await ask(two, "2")] == ["1", "2"]


async def test_a_taken_port_is_told():
    async with running(echo_service()) as server:
        with pytest.raises(RuntimeError, match=str(server.port)):
            await serve(echo_service(), server.target)
