"""The pages of pictures: demand with its doubt and bounds, the way of a policy, what would have been."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from aisle.pricing.v1 import curve_pb2, pricing_pb2_grpc
from aisle.pricing.v1 import pricing_pb2 as pb
from typer.testing import CliRunner

from services.__main__ import app
from services.kit.channels import connect
from services.kit.errors import field_of, reason_of
from services.kit.memory_log import MemoryLog
from services.kit.testing import running
from services.pricing.domain.market_tables import parse
from services.pricing.domain.markets import BETA
from services.pricing.domain.optimiser.curve import curve
from services.pricing.domain.optimiser.goals import Goals, Objective
from services.pricing.domain.simulation import PARTS, walk
from services.pricing.server import build
from tests.pricing.optimiser_shop import item
from tests.pricing.shop import product, units
from tests.pricing.test_service import config, priced, write
from tests.pricing.test_what_if import WEEKS, learnt

Stub = pricing_pb2_grpc.PricingServiceStub


def test_the_curve_peaks_where_the_markup_answers_the_elasticity() -> None:
    told = curve(item("tea", 10.0, cost=5.0, elasticity=-2.5, trusted=(4, 20)))  # 5 * 2.5 / 1.5
    assert told.best == pytest.approx(units(8.333), rel=0.1)  # nearer the usual price: the form is in doubt
    at_ten = next(one for one in told.points if one.price == units(10))
    assert (at_ten.units.value, at_ten.revenue.value) == pytest.approx((100, 1000))
    assert at_ten.margin is not None
    assert at_ten.margin.value == pytest.approx(500)


def test_far_from_known_prices_the_curve_promises_nothing_and_doubt_widens_it() -> None:
    told = curve(item("tea", 10.0, error=0.5, trusted=(8, 12))).points
    assert told[0].units == told[1].units  # cheaper than was ever believed sells no more
    assert told[0].units.low < told[0].units.value < told[0].units.high
    assert curve(item("tea", goals=Goals(objective=Objective.UNITS))).best is None
    assert curve(item("tea", cost=None)).best is None


def test_the_way_of_a_policy_ends_where_its_shares_do() -> None:
    market = parse(BETA, "b")[1]
    shares, way = walk(market, "greedy", 10, seed=1)
    assert len(way.price) == len(way.share) == PARTS
    assert way.share[-1] == pytest.approx(shares[-1].value)
    assert np.all(way.low <= way.high)
    assert way.best == 0.4


@pytest.fixture
async def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stub]:
    log = MemoryLog()
    await write(log, product("milk", 4.0, cost=2.0, categories=["Dairy"]), product("soap", 3.0))
    learnt(tmp_path)
    async with running(build(config(tmp_path), log=log)) as server, connect(server.target) as channel:
        stub = pricing_pb2_grpc.PricingServiceStub(channel)
        await priced(stub, "soap", 3.0)
        policy = pb.PricingPolicy(mode=pb.PRICING_MODE_PROPOSE, max_daily_step=0.1, min_margin=0.4)
        await stub.SetPricingPolicy(pb.SetPricingPolicyRequest(policy=policy))
        monkeypatch.setenv("AISLE_GATEWAY_PRICING_TARGET", server.target)
        yield stub


async def test_demand_is_described_with_its_weeks_and_steps_tell_their_bounds(stub: Stub) -> None:
    told = await stub.DescribeDemand(curve_pb2.DescribeDemandRequest(product_id="milk"))
    assert (told.elasticity, told.price.amount_micros, len(told.weeks)) == (-2.0, units(4), WEEKS)
    assert told.points[0].units.value > told.points[-1].units.value
    story = await stub.ExplainPrice(pb.ExplainPriceRequest(product_id="milk"))
    step = next(one for one in story.steps if one.rule == pb.PRICE_RULE_DAILY_STEP)
    assert (step.low.amount_micros, step.high.amount_micros) == (units(3.6), units(4.4))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.DescribeDemand(curve_pb2.DescribeDemandRequest(product_id="soap"))
    assert (reason_of(caught.value), field_of(caught.value)) == ("INVALID_VALUE", "product_id")


async def test_pages_stand_alone(stub: Stub, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    ask = pb.ProposePricesRequest(proposer="ann", prices=[pb.WantedPrice(product_id="milk")])
    ask.prices[0].price.currency_code, ask.prices[0].price.amount_micros = "USD", units(4.2)
    await stub.ProposePrices(ask)
    for words, said in (
        (["price", "explain", "milk"], ("proposed 4.20", "now 4.00", "daily step", "best")),
        (["price", "what-if", "--change", "-0.1"], ("would have been", "Dairy")),
        (["simulate", "pricing", "--market", "a", "--runs", "2"], ("thompson, guardrails on",)),
    ):
        file = tmp_path / "page.html"
        done = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--report", str(file)])
        assert done.exit_code == 0, done.output
        page = file.read_text("utf-8")
        assert "<svg" in page
        assert "http://" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
            "http://creativecommons.org", ""
        )
        assert not [word for word in said if word not in page]
