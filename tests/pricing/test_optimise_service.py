"""Optimising over a real channel: told, proposed with all evidence, approved, paid."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from aisle.pricing.v1 import optimization_pb2, pricing_pb2_grpc
from aisle.pricing.v1 import pricing_pb2 as pb
from typer.testing import CliRunner

from services.__main__ import app
from services.kit.channels import connect
from services.kit.errors import field_of, reason_of
from services.kit.memory_log import MemoryLog
from services.kit.models import ModelStore
from services.kit.testing import running, wait_until
from services.pricing.adapters import demand_files
from services.pricing.config import Config
from services.pricing.domain.demand.response import Response
from services.pricing.server import build
from tests.pricing.shop import product
from tests.pricing.test_service import priced, write

Stub = pricing_pb2_grpc.PricingServiceStub
GOALS = optimization_pb2.PricingGoals(
    objective=optimization_pb2.PRICING_OBJECTIVE_REVENUE,
    max_step=0.2,
    stock_weeks=2,
    ladders=[optimization_pb2.BrandLadder(premium_brand="Gold", value_brand="Own", min_gap=0.1)],
    max_mean_change=0.5,
    max_margin_loss=0.9,
)
RESPONSES = [
    Response("milk", "Food", "USD", 4.0, 50.0, -2.5, 0.3, False),
    Response("rye", "Food", "USD", 3.0, 20.0, -0.5, 1.0, True),
    Response("far", "Food", "EUR", 3.0, 20.0, -0.5, 0.2, True),
]


def learnt(home: Path) -> str:
    store = ModelStore(home, "pricing")
    return store.create(lambda folder: demand_files.save(RESPONSES, folder), metrics={}, span={}).version


@pytest.fixture
async def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> AsyncIterator[Stub]:
    """A service that knows the demand for milk and rye, may decide on prices, and is found by the command."""
    log = MemoryLog()
    await write(
        log,
        product("milk", 4.0, cost=2.0, categories=["Food"]),
        product("rye", 3.0, cost=1.0, categories=["Food"]),
        product("far", 3.0, categories=["Food"]),
        product("soap", 3.0, categories=["House"]),
    )
    learnt(tmp_path)
    config = Config(home=tmp_path, port=0, drain_seconds=0, database_url=database_url)  # type: ignore[arg-type]
    async with running(build(config, log=log)) as server, connect(server.target) as channel:
        stub = pricing_pb2_grpc.PricingServiceStub(channel)
        await priced(stub, "soap", 3.0)
        policy = pb.PricingPolicy(mode=pb.PRICING_MODE_PROPOSE, goals=GOALS)
        await stub.SetPricingPolicy(pb.SetPricingPolicyRequest(policy=policy))
        monkeypatch.setenv("AISLE_GATEWAY_PRICING_TARGET", server.target)
        yield stub


async def test_prices_are_told_proposed_once_approved_and_paid(stub: Stub, tmp_path: Path) -> None:
    told = await stub.OptimizePrices(optimization_pb2.OptimizePricesRequest())
    assert [(one.product_id, one.new_price.amount_micros / 1e6) for one in told.prices] == [("milk", 3.6)]
    assert told.considered_count == 2
    assert [(one.product_id, one.reason) for one in told.kept] == [
        ("rye", "its price never moved, and no other price within 20% is sure to bring more")
    ]
    assert [(one.product_id, one.reason) for one in told.skipped] == [
        ("far", "its demand was learnt in EUR, it is priced in USD")
    ]
    milk = told.prices[0]
    assert milk.revenue.low < milk.revenue.value < milk.revenue.high
    assert milk.revenue.value > 0
    assert told.model_version.startswith("demand-")
    assert not (await stub.ListProposals(pb.ListProposalsRequest())).proposals

    request = optimization_pb2.OptimizePricesRequest(propose=True, proposer="ann", request_id="r1")
    made = await stub.OptimizePrices(request)
    assert [one.proposal_id for one in made.prices] == ["1"]
    assert (await stub.OptimizePrices(request)).prices == made.prices
    (proposal,) = (await stub.ListProposals(pb.ListProposalsRequest())).proposals
    evidence = proposal.evidence
    assert (evidence.model_version, evidence.elasticity, evidence.elasticity_error) == (
        told.model_version,
        -2.5,
        0.3,
    )
    assert evidence.margin.value == pytest.approx(milk.margin.value)
    assert list(evidence.constraints) == list(milk.constraints)
    assert list(evidence.inputs) == ["category", "cost", "list_price", "price_history", "units_sold"]
    await stub.ApproveProposal(pb.ApproveProposalRequest(proposal_id="1", approver="bob"))
    await priced(stub, "milk", 3.6)


async def test_the_command_tells_and_proposes(stub: Stub) -> None:
    async def price(*words: str) -> str:
        done = await asyncio.to_thread(CliRunner().invoke, app, ["price", "optimise", *words])
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "1 of 2 prices change" in await price("--category", "Food")
    assert "0 of 0 prices change" in await price("--category", "House")
    margin = json.loads(
        await price("--objective", "margin", "--product", "soap", "--product", "milk", "--json")
    )
    assert margin["considered_count"] == 1
    assert margin["skipped"] == [{"product_id": "soap", "reason": "the model does not know its demand"}]
    proposed = json.loads(await price("--propose", "--by", "ann", "--json"))
    assert proposed["prices"][0]["proposal_id"] == "1"


async def test_goals_are_kept_as_they_were_set(stub: Stub, tmp_path: Path) -> None:
    story = await stub.ExplainPrice(pb.ExplainPriceRequest(product_id="milk"))
    assert story.policy.goals == GOALS


BAD_GOALS: list[tuple[dict[str, object], str, str]] = [
    ({"objective": 4}, "INVALID_VALUE", "policy.goals.clear_until"),
    ({"objective": 9}, "INVALID_VALUE", "policy.goals.objective"),
    ({"max_step": 0.6}, "INVALID_VALUE", "policy.goals.max_step"),
    ({"stock_weeks": 99}, "INVALID_VALUE", "policy.goals.stock_weeks"),
    ({"max_margin_loss": -0.1}, "INVALID_VALUE", "policy.goals.max_margin_loss"),
    ({"ladders": [{"premium_brand": "a", "value_brand": "A"}]}, "INVALID_VALUE", "policy.goals.ladders"),
    (
        {"ladders": [{"premium_brand": "a", "value_brand": "b"}] * 21},
        "TOO_MANY_ITEMS",
        "policy.goals.ladders",
    ),
]


async def test_bad_goals_and_requests_are_refused(tmp_path: Path) -> None:
    config = Config(home=tmp_path, port=0, drain_seconds=0)
    async with running(build(config, log=MemoryLog())) as server, connect(server.target) as channel:
        stub = pricing_pb2_grpc.PricingServiceStub(channel)

        async def refused(call: object) -> tuple[str, str]:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call  # type: ignore[misc]
            return reason_of(caught.value), field_of(caught.value)

        for goals, reason, field in BAD_GOALS:
            policy = pb.PricingPolicy(goals=optimization_pb2.PricingGoals(**goals))  # type: ignore[arg-type]
            request = pb.SetPricingPolicyRequest(policy=policy)
            assert await refused(stub.SetPricingPolicy(request)) == (reason, field)
        optimise = optimization_pb2.OptimizePricesRequest
        assert await refused(stub.OptimizePrices(optimise(propose=True))) == ("REQUIRED", "proposer")
        assert await refused(stub.OptimizePrices(optimise(market="mars"))) == ("INVALID_VALUE", "market")
        assert await refused(stub.OptimizePrices(optimise(objective=4))) == ("INVALID_VALUE", "objective")  # type: ignore[arg-type]
        assert await refused(stub.OptimizePrices(optimise())) == ("MODEL_UNAVAILABLE", "")
        learnt(tmp_path)

        async def serves() -> bool:
            try:
                await stub.OptimizePrices(optimise())
            except grpc.aio.AioRpcError:
                return False
            return True

        await wait_until(serves)
