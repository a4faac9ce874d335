"""From a drawn answer through the log to a learned policy that serves: over a real channel."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aisle.events.v1 import event_pb2
from aisle.recsys.v1 import recsys_pb2, recsys_pb2_grpc

from services.gateway.domain.attribution import Attribution
from services.kit import names
from services.kit.errors import ServiceError
from services.kit.log import EVENTS, SLATES, Ack, Entry, Log
from services.kit.memory_log import MemoryLog
from services.kit.progress import silent
from services.kit.reading import request_of
from services.kit.testing import serving, wait_until
from services.recsys import explore
from services.recsys.adapters import policy_files
from services.recsys.adapters.slates import SlateLog, drawn_of, entry_of, read_slates
from services.recsys.config import Config
from services.recsys.domain.catalogue import Product
from services.recsys.domain.exploration.drawing import draw
from services.recsys.domain.exploration.learning import learn
from services.recsys.domain.exploration.policy import untaught
from services.recsys.domain.exploration.slots import Drawn
from services.recsys.evaluate import evaluate
from services.recsys.server import build
from tests.recsys import world
from tests.recsys.exploring import COUNT, GUARD, market

HOME, ANN = recsys_pb2.PLACEMENT_HOME, recsys_pb2.Shopper(user_id="ann")


def config(home: Path, share: float = 1.0) -> Config:
    return Config(
        home=home,
        port=0,
        metrics_port=0,
        popularity_seconds=0,
        drain_seconds=0,
        explore_share=share,
        explore_floor=0,
        model_seconds=0.05,
    )


@pytest.fixture
async def log() -> Log:
    memory = MemoryLog()
    shelf = [Product(f"p{n}", f"Thing {n}", "", ("Food > Things",), "USD", 1_000_000) for n in range(40)]
    orders = [world.bought(f"u{n}", f"p{n % 40}", f"p{n * 7 % 40}", hours=n) for n in range(120)]
    events = [world.event(order, f"o{n}") for n, order in enumerate(orders)]
    await memory.append([*(world.change(one) for one in shelf), *events])
    return memory


@pytest.fixture
async def stub(tmp_path: Path, log: Log) -> AsyncIterator[recsys_pb2_grpc.RecommendationServiceStub]:
    async with serving(build(config(tmp_path), log)) as channel:
        yield recsys_pb2_grpc.RecommendationServiceStub(channel)


async def ask(stub, request_id: str, **more) -> list[tuple[str, float]]:
    request = recsys_pb2.RecommendRequest(placement=HOME, shopper=ANN, page_size=COUNT, **more)
    answer = await stub.Recommend(request, metadata=((names.REQUEST_ID_KEY, request_id),))
    return [(one.product_id, one.propensity) for one in answer.products]


async def test_a_retry_gets_the_same_slate_and_the_log_keeps_it_once(stub, log: Log):
    first, again = await ask(stub, "r1"), await ask(stub, "r1")
    assert first == again
    assert any(chance < 1 for _, chance in first)
    assert len({product for product, _ in first}) == COUNT
    await ask(stub, "r2")

    async def kept() -> bool:
        return await log.end(SLATES) == 2

    await wait_until(kept)
    slate = (await read_slates(log, silent))[0]
    assert (slate.request_id, slate.shopper, slate.policy) == ("r1", "user:ann", "untaught")
    for slot in slate.slots:
        assert slot.sound()
        assert first[slot.position - 1] == (slot.products[slot.chosen], slot.chances[slot.chosen])


async def test_what_a_shop_adjusts_is_not_explored(stub, log: Log):
    wishes = recsys_pb2.Adjustments(diversity=0.0)
    assert {chance for _, chance in await ask(stub, "r1", adjustments=wishes)} == {1.0}
    assert await log.end(SLATES) == 0


async def test_switched_off_nothing_is_drawn(tmp_path: Path, log: Log):
    async with serving(build(config(tmp_path, share=0), log)) as channel:
        answer = await ask(recsys_pb2_grpc.RecommendationServiceStub(channel), "r1")
    assert {chance for _, chance in answer} == {1.0}
    assert await log.end(SLATES) == 0


def event(kind: str, number: str, token: str, product: str, position: int = 0) -> Entry:
    message = event_pb2.Event(message_id=number, type=f"EVENT_TYPE_{kind}", user_id="ann")
    message.attribution_token = token
    message.event_time.FromSeconds(int(world.at(10)))
    message.product_details.add(product_id=product, position=position)
    return Entry(EVENTS, number, message.SerializeToString())


async def test_from_draws_and_clicks_to_a_policy_that_serves_and_a_report(tmp_path: Path, log: Log):
    ranked = market().ranked(0)
    for n in range(40):
        slots = draw(ranked, COUNT, GUARD, untaught(), n)[1]
        token = Attribution(f"r{n}", "home", 1, (("picked-for-you", "recsys"),)).token()
        slate = entry_of(Drawn(f"r{n}", f"user:{n}", world.at(9), "untaught", slots))
        shown = [
            event("PRODUCT_LIST_VIEWED", f"v{n}-{s.position}", token, s.products[s.chosen], s.position)
            for s in slots
        ]
        clicked = event("PRODUCT_CLICKED", f"c{n}", token, slots[0].products[slots[0].chosen])
        await log.append([slate, *shown, clicked])
    report = await evaluate(config(tmp_path), progress=silent, log=log, protocol="off-policy")
    assert (report["slates"], report["taught"], report["measured"]) == (40, 112, 48)
    assert report["metrics"]["logged"]["value"] == pytest.approx(0.25)
    assert report["metrics"]["greedy.snips"]["low"] <= report["metrics"]["greedy.snips"]["value"]
    assert await explore.train(config(tmp_path), progress=silent, log=log) == 160
    async with serving(build(config(tmp_path), log)) as channel:
        await ask(recsys_pb2_grpc.RecommendationServiceStub(channel), "after")
    last = (await read_slates(log, silent))[-1]
    assert last.request_id == "after"
    assert last.policy.startswith("2")


async def test_without_draws_there_is_nothing_to_learn_or_report(tmp_path: Path):
    assert await explore.train(config(tmp_path), progress=silent, log=MemoryLog()) == 0
    assert not (tmp_path / "models").exists()
    report = await explore.off_policy(config(tmp_path), progress=silent, log=MemoryLog())
    assert (report["metrics"], report["slates"]) == ({}, 0)


def test_a_policy_and_a_slate_are_read_as_they_were_written(tmp_path: Path):
    shop = market()
    policy = learn(shop.shop(untaught(), 50, 1))
    policy_files.save(policy, tmp_path)
    slot = shop.slots(0)[0]
    both = [policy, policy_files.load(tmp_path)]
    assert both[0].worth(slot.products, slot.features).tolist() == (
        both[1].worth(slot.products, slot.features).tolist()
    )
    entry = entry_of(Drawn("r1", "user:ann", 1000.5, "p", [slot]))
    again = drawn_of(world.records([entry])[0])
    assert (again.request_id, again.time, again.policy) == ("r1", 1000.5, "p")
    assert again.slots[0].products == slot.products
    assert again.slots[0].features.tolist() == slot.features.tolist()
    assert again.slots[0].chances.tolist() == slot.chances.tolist()


@pytest.mark.parametrize("request_id", ["r1", "a" * 64, "b" * 120])
def test_the_token_names_the_request(request_id: str):
    models = (("picked-for-you", "recsys blend-20260101"), ("buy-again", "x" * 200))
    assert request_of(Attribution(request_id, "home", 5, models).token()) == request_id[:64]


@pytest.mark.parametrize("token", ["", "?", "é", "bm8", "Mnx4fHk"])
def test_no_token_names_no_request(token: str):
    assert request_of(token) == ""


async def test_slates_wait_for_a_log_that_is_away():
    class Away(MemoryLog):
        away = True

        async def append(self, entries):
            gone = ServiceError("LOG_UNAVAILABLE", "gone")
            return [gone for _ in entries] if self.away else await super().append(entries)

    log = Away()
    slates = SlateLog(log)
    slates.keep(Drawn("r1", "user:ann", 1.0, "p", market().slots(0)))
    await slates._append()
    with pytest.raises(RuntimeError):
        await slates.ping()
    log.away = False
    await slates._append()
    await slates.ping()
    assert await log.end(SLATES) == 1
    assert isinstance((await log.append([entry_of(Drawn("r1", "u", 1.0, "p", ()))]))[0], Ack)
