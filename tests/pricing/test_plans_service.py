"""Markdowns and promotions over a real channel and from the command line."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from aisle.pricing.v1 import demand_pb2, pricing_pb2_grpc
from aisle.pricing.v1 import optimization_pb2 as opb
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
from services.pricing.server import build
from tests.pricing.shop import product
from tests.pricing.test_optimise_service import RESPONSES, learnt
from tests.pricing.test_service import priced, write

LIKELY = [[4.1, 3.9, 4.35]]
Stub = pricing_pb2_grpc.PricingServiceStub


@pytest.fixture
async def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stub]:
    """A service that knows the demand for milk (50 a week at 4.00) and rye, 300 pieces of milk in stock."""
    log = MemoryLog()
    milk = product("milk", 4.0, cost=2.0, categories=["Food"])
    milk.upsert.available_quantity = 300
    await write(log, milk, product("rye", 3.0, cost=1.0, categories=["Food"]), product("soap", 1.0))
    learnt(tmp_path)
    service = build(Config(home=tmp_path, port=0, drain_seconds=0), log=log)
    async with running(service) as server, connect(server.target) as channel:
        stub = pricing_pb2_grpc.PricingServiceStub(channel)
        await priced(stub, "soap", 1.0)
        policy = pb.PricingPolicy(mode=pb.PRICING_MODE_PROPOSE)
        await stub.SetPricingPolicy(pb.SetPricingPolicyRequest(policy=policy))
        monkeypatch.setenv("AISLE_GATEWAY_PRICING_TARGET", server.target)
        yield stub


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


async def price(*words: str) -> str:
    done = await asyncio.to_thread(CliRunner().invoke, app, ["price", *words])
    assert done.exit_code == 0, done.output
    return done.stdout


async def test_a_stock_is_planned_week_by_week(stub: Stub) -> None:
    request = opb.PlanMarkdownRequest(product_id="milk")
    request.until.FromDatetime(in_days(25))
    plan = await stub.PlanMarkdown(request)
    assert (plan.stock, len(plan.weeks)) == (300, 4)
    assert plan.weeks[-1].units_sold < plan.weeks[0].units_sold  # the last week has four days
    prices = [week.price.amount_micros for week in plan.weeks]
    assert prices == sorted(prices, reverse=True)
    assert 2_000_000 <= prices[-1] < 4_000_000  # never under cost
    assert plan.weeks[0].discount_percent == (4_000_000 - prices[0]) * 100 // 4_000_000
    assert plan.over_keeping.value > 0
    assert plan.plan.units_left.value < plan.keeping.units_left.value
    report = json.loads(
        await price("markdown", "milk", "--until", f"{in_days(26):%Y-%m-%d}", "--stock", "30", "--json")
    )
    assert report["stock"] == "30"
    shown = await price("markdown", "milk", "--until", f"{in_days(26):%Y-%m-%d}", "--depth", "0.3")
    assert "300 pieces of milk" in shown
    assert "2.80" in shown


async def test_promotions_are_planned(stub: Stub) -> None:
    answer = await stub.PlanPromotions(
        opb.PlanPromotionsRequest(weeks=2, slots=1, objective=opb.PRICING_OBJECTIVE_REVENUE)
    )
    assert [(one.product_id, one.discount_percent) for one in answer.promotions] == [("milk", 30)]
    assert answer.considered_count == 2
    assert answer.gain.value == pytest.approx(answer.promotions[0].revenue.value)
    cross = opb.CrossElasticity(product_id="milk", other_product_id="rye", elasticity=2.0)
    less = await stub.PlanPromotions(
        opb.PlanPromotionsRequest(
            weeks=2, slots=1, objective=opb.PRICING_OBJECTIVE_REVENUE, cross_elasticities=[cross]
        )
    )
    assert less.promotions[0].taken.value > 0
    assert less.gain.value < answer.gain.value
    shown = await price("promotions", "--weeks", "4", "--slots", "10", "--start", f"{in_days(3):%Y-%m-%d}")
    assert "1 promotions of 2 products gain" in shown


async def test_a_price_is_explained_with_what_is_known_of_demand(stub: Stub, tmp_path: Path) -> None:
    known = await told(stub, "milk")
    assert (known.elasticity, known.elasticity_error, known.weekly_units) == (-2.5, 0.3, 50.0)
    assert (known.usual_price.amount_micros, known.cross_elasticity, list(known.substitutes)) == (
        4_000_000,
        0,
        [],
    )
    assert not (await stub.ExplainPrice(pb.ExplainPriceRequest(product_id="soap"))).HasField("demand")
    beside = [
        replace(one, cross_elasticity=0.8, cross_error=0.2, sold=100.0, outlook=LIKELY)
        for one in RESPONSES[:2]
    ]
    ModelStore(tmp_path, "pricing").create(lambda at: demand_files.save(beside, at), metrics={}, span={})

    async def serves() -> bool:
        return bool((await told(stub, "milk")).cross_elasticity)

    await wait_until(serves)
    known = await told(stub, "milk")
    assert [(one.product_id, one.elasticity) for one in known.substitutes] == [("rye", 0.8)]
    (likely,) = known.outlook
    assert (likely.week, likely.price.amount_micros, likely.high.amount_micros) == (1, 4_100_000, 4_350_000)
    shown = await price("explain", "milk")
    assert "4.10 (3.90 to 4.35)" in " ".join(shown.split())
    assert "expects 50.0 a week at 4.00" in shown
    assert "rye +0.80%" in shown


async def told(stub: Stub, product_id: str) -> demand_pb2.KnownDemand:
    """What is known of its demand."""
    return (await stub.ExplainPrice(pb.ExplainPriceRequest(product_id=product_id))).demand


async def test_plans_become_proposals_once_each_with_its_plan_and_its_time(stub: Stub) -> None:
    words = ("markdown", "milk", "--until", f"{in_days(26):%Y-%m-%d}", "--propose", "--by", "ann", "--json")
    told = json.loads(await price(*words, "--plan-id", "m1"))
    assert json.loads(await price(*words, "--plan-id", "m1"))["proposed"] == told["proposed"]
    found = (await stub.ListProposals(pb.ListProposalsRequest())).proposals
    assert sorted(one.proposal_id for one in found) == sorted(told["proposed"]["proposal_ids"])
    assert {one.request_id for one in found} == {"m1"}
    assert all(list(one.evidence.inputs).count("stock") for one in found)
    shown = await price(
        "promotions", "--weeks", "2", "--slots", "1", "--start", f"{in_days(3):%Y-%m-%d}",
        "--propose", "--by", "ann", "--plan-id", "w1",
    )  # fmt: skip
    assert "Proposed: " in shown
    waits = pb.ListProposalsRequest(status=pb.PROPOSAL_STATUS_PENDING)
    back, promotion = (await stub.ListProposals(waits)).proposals  # what waited of the markdown is withdrawn
    assert promotion.new_price.amount_micros < back.new_price.amount_micros == 4_000_000
    assert (back.effective_time.seconds - promotion.effective_time.seconds) == 7 * 86_400
    assert "promotion" in promotion.evidence.inputs
    approved = await stub.ApproveProposal(
        pb.ApproveProposalRequest(proposal_id=promotion.proposal_id, approver="bob")
    )
    assert approved.proposal.status == pb.PROPOSAL_STATUS_APPROVED
    done = await asyncio.to_thread(CliRunner().invoke, app, ["price", *words])
    assert done.exit_code == 2
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.PlanPromotions(opb.PlanPromotionsRequest(propose=opb.PlanProposal(plan_id="x")))
    assert (reason_of(caught.value), field_of(caught.value)) == ("REQUIRED", "propose.proposer")


async def test_plans_that_cannot_be_made_are_refused(stub: Stub) -> None:
    def markdown(days: float = 10, **fields: object) -> opb.PlanMarkdownRequest:
        request = opb.PlanMarkdownRequest(**{"product_id": "milk", **fields})  # type: ignore[arg-type]
        request.until.FromDatetime(in_days(days))
        return request

    plan, promote, calendar = stub.PlanMarkdown, stub.PlanPromotions, opb.PlanPromotionsRequest
    late = calendar()
    late.start_time.FromDatetime(in_days(400))
    euros = {"currency_code": "EUR", "amount_micros": 1}
    cross = {"product_id": "milk", "other_product_id": "rye", "elasticity": 99.0}
    cases = [
        (lambda: plan(opb.PlanMarkdownRequest(product_id="milk")), "REQUIRED", "until"),
        (lambda: plan(markdown(-1)), "INVALID_VALUE", "until"),
        (lambda: plan(markdown(400)), "INVALID_VALUE", "until"),
        (lambda: plan(markdown(product_id="rye")), "INVALID_VALUE", "stock"),
        (lambda: plan(markdown(stock=20_001)), "INVALID_VALUE", "stock"),
        (lambda: plan(markdown(product_id="soap")), "INVALID_VALUE", "product_id"),
        (lambda: plan(markdown(depths=[1.0])), "INVALID_VALUE", "depths"),
        (lambda: plan(markdown(salvage=euros)), "MIXED_CURRENCIES", "salvage.currency_code"),
        (lambda: promote(calendar(weeks=27)), "INVALID_VALUE", "weeks"),
        (lambda: promote(calendar(slots=-1)), "INVALID_VALUE", "slots"),
        (lambda: promote(calendar(cannibalized_share=1.5)), "INVALID_VALUE", "cannibalized_share"),
        (lambda: promote(calendar(objective=opb.PRICING_OBJECTIVE_CLEARANCE)), "INVALID_VALUE", "objective"),
        (
            lambda: promote(calendar(cross_elasticities=[cross])),
            "INVALID_VALUE",
            "cross_elasticities.elasticity",
        ),
        (lambda: promote(late), "INVALID_VALUE", "start_time"),
    ]
    for call, reason, field in cases:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call()
        assert (reason_of(caught.value), field_of(caught.value)) == (reason, field)
