"""`aisle price` against a real service."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aisle.catalog.v1 import money_pb2
from aisle.pricing.v1 import pricing_pb2 as pb
from aisle.pricing.v1 import pricing_pb2_grpc
from click.testing import Result
from typer.testing import CliRunner

from services.__main__ import app
from services.kit.channels import connect
from services.kit.log import CATALOG, Entry
from services.kit.memory_log import MemoryLog
from services.kit.testing import running, wait_until
from services.pricing.config import Config
from services.pricing.server import build
from tests.pricing.shop import product


@pytest.fixture
async def stub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[pricing_pb2_grpc.PricingServiceStub]:
    """A service that prices milk, and that the command line finds."""
    log = MemoryLog()
    await log.append([Entry(CATALOG, "milk", product("milk", 2.0, cost=2.0).SerializeToString())])
    service = build(Config(home=tmp_path, port=0, drain_seconds=0), log=log)
    async with running(service) as server, connect(server.target) as channel:
        stub = pricing_pb2_grpc.PricingServiceStub(channel)

        async def is_priced() -> bool:
            return bool((await stub.QuotePrices(pb.QuotePricesRequest(product_ids=["milk"]))).quotes)

        await wait_until(is_priced)
        monkeypatch.setenv("AISLE_GATEWAY_PRICING_TARGET", server.target)
        yield stub


async def price(*words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, ["price", *words])


async def test_explain_tells_each_rule(stub: pricing_pb2_grpc.PricingServiceStub) -> None:
    await stub.SetPricingPolicy(pb.SetPricingPolicyRequest(policy=pb.PricingPolicy(min_margin=0.2)))
    told, nobody = await price("explain", "milk"), await price("explain", "nobody")
    assert told.exit_code == 0
    assert "milk costs 2.50 USD: raised to keep the least margin" in told.stdout
    assert "cost 2.00 and a margin of 20% need at least 2.50" in told.stdout
    assert nobody.exit_code == 1


async def test_a_policy_is_set_from_a_file(stub: pricing_pb2_grpc.PricingServiceStub, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(
        '{"min_margin": 0.2, "mode": "PRICING_MODE_PROPOSE",'
        ' "competitor_rule": {"kind": "COMPETITOR_RULE_KIND_MATCH"},'
        ' "goals": {"objective": "PRICING_OBJECTIVE_REVENUE", "max_mean_change": 0.02}}'
    )
    done = await price("set-policy", str(file), "--by", "ann", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["goals"]["max_mean_change"] == 0.02
    story = await stub.ExplainPrice(pb.ExplainPriceRequest(product_id="milk"))
    assert (story.quote.price.amount_micros, story.policy.mode) == (2_500_000, pb.PRICING_MODE_PROPOSE)
    file.write_text('{"min_margins": 0.2}')
    refused = await price("set-policy", str(file), "--by", "ann")
    assert refused.exit_code == 1
    assert "min_margins" in refused.stderr


async def propose(stub: pricing_pb2_grpc.PricingServiceStub, dollars: int, request_id: str) -> str:
    wanted = pb.WantedPrice(
        product_id="milk", price=money_pb2.Money(currency_code="USD", amount_micros=dollars * 1_000_000)
    )
    request = pb.ProposePricesRequest(prices=[wanted], proposer="model", request_id=request_id)
    return (await stub.ProposePrices(request)).proposals[0].proposal_id


async def test_proposals_are_listed_and_decided_and_a_decision_is_told_with_who_made_it(
    stub: pricing_pb2_grpc.PricingServiceStub,
) -> None:
    policy = pb.PricingPolicy(mode=pb.PRICING_MODE_PROPOSE)
    await stub.SetPricingPolicy(pb.SetPricingPolicyRequest(policy=policy))
    number = await propose(stub, 3, "one")
    waiting = json.loads((await price("proposals", "--json")).stdout)["proposals"]
    assert [one["proposal_id"] for one in waiting] == [number]
    done = await price("approve", number, "--by", "bob", "--json")
    assert done.exit_code == 0
    (applied,) = json.loads(done.stdout)["proposals"]
    assert (applied["status"], applied["decider"]) == ("PROPOSAL_STATUS_APPLIED", "bob")
    other = await propose(stub, 4, "two")
    assert (await price("reject", other, "--by", "eve", "--note", "too dear")).exit_code == 0
    assert "too dear" in (await price("proposals", "--status", "rejected")).stdout
    assert json.loads((await price("proposals", "--json")).stdout)["proposals"] == []
    refused = await price("approve", other, "--by", "bob")
    assert refused.exit_code == 1
    assert "PROPOSAL_" in refused.stderr


async def test_a_stop_brings_list_prices_back_until_it_is_lifted(
    stub: pricing_pb2_grpc.PricingServiceStub,
) -> None:
    await stub.SetPricingPolicy(pb.SetPricingPolicyRequest(policy=pb.PricingPolicy(min_margin=0.2)))
    stopped = await price("stop", "--by", "eve", "--reason", "a recall")
    assert "List prices hold for all products in default: a recall (eve)" in stopped.stdout
    (quote,) = (await stub.QuotePrices(pb.QuotePricesRequest(product_ids=["milk"]))).quotes
    assert quote.price.amount_micros == 2_000_000
    assert (await price("resume", "--by", "eve")).exit_code == 0
    again = await price("resume", "--by", "eve")
    assert again.exit_code == 1
    assert "Nothing was stopped" in again.stdout
    both = await price("stop", "--by", "eve", "--reason", "x", "--product", "milk", "--category", "Food")
    assert both.exit_code == 2
