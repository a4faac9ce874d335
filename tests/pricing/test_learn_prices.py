"""Learning within the policies: when it stops, what is proposed with which propensity, what is counted."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from aisle.events.v1 import event_pb2
from aisle.pricing.v1 import learning_pb2 as lb
from aisle.pricing.v1 import pricing_pb2 as pb
from aisle.pricing.v1 import pricing_pb2_grpc
from typer.testing import CliRunner

from services.__main__ import app
from services.kit.channels import connect
from services.kit.errors import field_of, reason_of
from services.kit.memory_log import MemoryLog
from services.kit.progress import silent
from services.kit.testing import running
from services.pricing import learn
from services.pricing.adapters import ledger, tables
from services.pricing.adapters.database import Database
from services.pricing.config import Config
from services.pricing.domain.learning.next_price import choose
from services.pricing.domain.learning.stopping import StopRule, verdict
from services.pricing.domain.market_tables import parse
from services.pricing.domain.simulation import stopped
from services.pricing.server import build
from tests.pricing.shop import contents, product, units
from tests.pricing.test_service import priced, write

Stub = pricing_pb2_grpc.PricingServiceStub
SINCE = 1_767_225_600  # 2026-01-01 in Unix seconds


def test_a_verdict_tells_what_stopping_loses() -> None:
    demand = np.array([[[0.5, 0.2], [0.5, 0.3]]])  # at 1 it earns 0.5 for sure, at 2 either 0.4 or 0.6
    found = verdict(
        demand, np.array([1.0, 2.0]), np.ones((1, 2)), StopRule(loss=0.01, within=0.2, chance=0.9)
    )
    assert found.price.tolist() == [0]
    assert found.loss == pytest.approx([0.05 / 0.55])
    assert found.chance == pytest.approx([1.0])
    assert found.stop.tolist() == [True]


def test_learning_goes_on_while_the_best_is_out_of_reach() -> None:
    demand = np.full((1, 8, 2), [0.5, 0.5])
    reach = np.array([[1.0, 0.0]])
    found = verdict(demand, np.array([1.0, 2.0]), reach, StopRule())
    assert (found.price.tolist(), found.stop.tolist()) == ([0], [False])


def test_the_sampler_stops_near_the_best() -> None:
    table = {
        "prices": [3, 4, 5, 6, 7, 8],
        "shoppers": 1000,
        "willingness": {"kind": "logit", "level": 9, "slope": 2},
    }
    found = stopped(parse(table)[0], 30, seed=5)
    assert found is not None
    assert found.share > 0.8
    assert found.near >= 0.9
    assert found.shoppers < 600


def asked(offered: int = 0, best: float = 0.0, **extra: object) -> lb.LearnPricesRequest:
    """Milk at 3, 4 and 5; `best` is the share of those who were offered 4 and bought it."""
    request = lb.LearnPricesRequest(proposer="ann", request_id="batch1", **extra)  # type: ignore[arg-type]
    milk = request.products.add(product_id="milk")
    for price in (3, 4, 5):
        sold = round(offered * best) if price == 4 else 0
        one = milk.prices.add(offered_count=offered, sold_count=sold)
        one.price.currency_code, one.price.amount_micros = "USD", units(price)
    return request


@pytest.fixture
async def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> AsyncIterator[Stub]:
    log = MemoryLog()
    await write(log, product("milk", 4.0, cost=1.0))
    config = Config(home=tmp_path, port=0, drain_seconds=0, database_url=database_url)  # type: ignore[arg-type]
    async with running(build(config, log=log)) as server, connect(server.target) as channel:
        stub = pricing_pb2_grpc.PricingServiceStub(channel)
        await priced(stub, "milk", 4.0)
        monkeypatch.setenv("AISLE_GATEWAY_PRICING_TARGET", server.target)
        yield stub


async def allow(stub: Stub, **bounds: object) -> None:
    policy = pb.PricingPolicy(mode=pb.PRICING_MODE_AUTOMATIC, **bounds)  # type: ignore[arg-type]
    await stub.SetPricingPolicy(pb.SetPricingPolicyRequest(policy=policy))


async def test_the_next_price_is_proposed_with_its_propensity_and_paid(stub: Stub) -> None:
    await allow(stub)
    for number in range(20):  # until the choice falls on another price than that in force
        request = asked(10, 0.4, exploration=0.2)
        request.request_id = f"batch{number}"
        (learnt,) = (await stub.LearnPrices(request)).products
        assert sum(one.propensity for one in learnt.chances) == pytest.approx(1)
        assert all(one.propensity >= 0.2 / 3 - 1e-9 for one in learnt.chances)
        if learnt.proposal_id:
            break
    assert not learnt.stopped
    assert (await stub.LearnPrices(request)).products[0].proposal_id == learnt.proposal_id
    (proposal,) = (await stub.ListProposals(pb.ListProposalsRequest())).proposals
    assert proposal.evidence.propensity == pytest.approx(learnt.propensity)
    assert list(proposal.evidence.inputs) == ["cost", "price_history", "units_sold"]
    await priced(stub, "milk", learnt.price.amount_micros / 1e6)
    entry = (await stub.ListPriceHistory(pb.ListPriceHistoryRequest(product_id="milk"))).entries[0]
    assert entry.audit.propensity == pytest.approx(learnt.propensity)


async def test_it_stops_at_the_best_price_and_says_so(stub: Stub) -> None:
    await allow(stub)
    (learnt,) = (await stub.LearnPrices(asked(100_000, 0.4))).products
    assert (learnt.stopped, learnt.propensity, learnt.price.amount_micros) == (True, 1.0, units(4))
    assert learnt.expected_loss < 0.005
    assert learnt.reason == "the rules leave the price as it is"


async def test_a_choice_of_the_price_in_force_is_on_record_with_its_propensity_once(
    stub: Stub, tmp_path: Path, database_url: str
) -> None:
    await allow(stub)
    for number in range(20):
        request = asked(10, 0.4, exploration=0.2)
        request.request_id = f"batch{number}"
        (learnt,) = (await stub.LearnPrices(request)).products
        if learnt.kept:
            break
    assert (learnt.price.amount_micros, learnt.proposal_id) == (units(4), "")
    assert (await stub.LearnPrices(request)).products[0].kept
    database = Database(database_url)
    told = [row for row in contents(database, tables.acts)["acts"] if row[3] == "keep"]
    ((*_, subject, details, _),) = told
    assert subject == f"product milk request batch{number}"
    assert json.loads(str(details))["propensity"] == pytest.approx(learnt.propensity)
    assert ledger.verify(database).sound
    database.close()


def test_a_stock_that_must_last_is_sold_dearer_and_one_to_be_rid_of_cheaper() -> None:
    prices, offered = np.array([3.0, 4.0, 5.0]), np.full(3, 400.0)
    sold = np.array([240.0, 160.0, 90.0])  # 4 earns most over a cost of 2, 3 most where the cost is spent

    def mean(cost: float, stock: float) -> float:
        found = choose(prices, cost, offered, sold, np.ones(3), 0.0, StopRule(), "s", stock)
        assert found.stopped == (stock > 0.5)  # what sells out is a mix of prices, and is never over
        return float(found.propensities @ prices)

    assert mean(2.0, np.inf) == 4.0
    assert mean(2.0, 0.25) > 4.3
    assert mean(0.0, 1.0) == 3.0


async def test_stock_is_told_or_the_catalogues(stub: Stub) -> None:
    await allow(stub)
    request = asked(400, 0.4)
    request.products[0].stock.shopper_count = 100
    (learnt,) = (await stub.LearnPrices(request)).products
    assert learnt.reason == "its stock is not counted: tell it"
    request.products[0].stock.pieces = 5
    (learnt,) = (await stub.LearnPrices(request)).products
    assert not learnt.stopped
    for change, field in (
        ({"shopper_count": 0}, "stock"),
        ({"salvage": {"currency_code": "EUR"}}, "stock.salvage"),
    ):
        request.products[0].stock.CopyFrom(lb.LearningStock(**{"shopper_count": 9, "pieces": 1, **change}))  # type: ignore[arg-type]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.LearnPrices(request)
        assert field_of(caught.value) == f"products[0].{field}"


async def test_prices_out_of_the_policys_reach_have_no_chance(stub: Stub) -> None:
    await allow(stub, max_daily_step=0.25, min_margin=0.7)  # 3 leaves too little margin
    (learnt,) = (await stub.LearnPrices(asked(5, 0.4, exploration=0.2))).products
    assert [one.propensity > 0 for one in learnt.chances] == [False, True, True]


async def test_where_nothing_is_decided_on_nothing_is_learnt(stub: Stub) -> None:
    (learnt,) = (await stub.LearnPrices(asked())).products
    assert "keep list prices" in learnt.reason
    assert not learnt.HasField("price")


BAD: list[tuple[dict[str, object], str, str]] = [
    ({"products": []}, "REQUIRED", "products"),
    ({"request_id": ""}, "REQUIRED", "request_id"),
    ({"proposer": ""}, "REQUIRED", "proposer"),
    ({"exploration": 0.5}, "INVALID_VALUE", "exploration"),
    ({"market": "mars"}, "INVALID_VALUE", "market"),
    ({"stop": {"chance": 1.5}}, "INVALID_VALUE", "stop.chance"),
]


async def test_bad_requests_are_refused(stub: Stub) -> None:
    for change, reason, field in BAD:
        request = asked()
        for name in change:
            request.ClearField(name)  # type: ignore[arg-type]
        request.MergeFrom(lb.LearnPricesRequest(**change))  # type: ignore[arg-type]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.LearnPrices(request)
        assert (reason_of(caught.value), field_of(caught.value)) == (reason, field)
    request = asked()
    request.products[0].prices[0].sold_count = 1
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.LearnPrices(request)
    assert field_of(caught.value) == "products[0].prices.sold_count"


def basket(seconds: int, *products: str) -> event_pb2.Event:
    event = event_pb2.Event(
        message_id=f"{seconds}{products}", type=event_pb2.EVENT_TYPE_ORDER_COMPLETED, user_id="u"
    )
    event.event_time.seconds = SINCE + seconds
    for product_id in products:
        event.product_details.add(product_id=product_id, quantity=2)
    return event


async def test_baskets_are_counted_under_the_price_in_force(tmp_path: Path) -> None:
    log = MemoryLog()
    await write(log, basket(-5, "milk"), basket(1, "milk"), basket(2, "rye"), basket(12, "rye", "milk"))
    at = [(SINCE + second) * 1_000_000 for second in (-10, 10)]
    watched = {"milk": learn.Watched(SINCE * 1_000_000, [(at[0], units(4)), (at[1], units(5))])}
    counts = await learn.count(Config(home=tmp_path), watched, progress=silent, log=log)
    assert counts == {"milk": {units(4): (2, 1), units(5): (1, 1)}}


async def test_the_command_says_what_a_file_lacks(stub: Stub, tmp_path: Path) -> None:
    file = tmp_path / "learn.toml"
    file.write_text('[[products]]\nproduct_id = "milk"\ncurrency = "USD"\nprices = [3, 4]\n', "utf-8")
    words = ["price", "learn", str(file), "--by", "ann", "--request-id", "b1", "--json"]
    done = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert done.exit_code == 1
    assert "'since' is missing" in done.output


async def test_the_command_counts_and_asks(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = MemoryLog()
    monkeypatch.setattr(learn, "NatsLog", lambda url: log)
    await allow(stub)
    file = tmp_path / "learn.toml"
    text = 'exploration = 0.1\n[[products]]\nproduct_id = "milk"\ncurrency = "USD"\n'
    stock = "stock = 40\nuntil = 2099-01-01\nsalvage = 0.5\n"
    file.write_text(text + "prices = [3, 4, 5]\nsince = 2026-01-01\n" + stock, "utf-8")
    words = ["price", "learn", str(file), "--by", "ann", "--request-id", "b1", "--json"]
    done = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert done.exit_code == 0, done.output
    (milk,) = json.loads(done.stdout)["products"]
    assert milk["product_id"] == "milk"
    assert len(milk["chances"]) == 3
