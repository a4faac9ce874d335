"""`aisle price explain` against a real service."""

import asyncio
from pathlib import Path

import pytest
from aisle.pricing.v1 import pricing_pb2 as pb
from aisle.pricing.v1 import pricing_pb2_grpc
from typer.testing import CliRunner

from services.__main__ import app
from services.kit.channels import connect
from services.kit.log import CATALOG, Entry
from services.kit.memory_log import MemoryLog
from services.kit.testing import running, wait_until
from services.pricing.config import Config
from services.pricing.server import build
from tests.pricing.shop import product


async def test_explain_tells_each_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = MemoryLog()
    await log.append([Entry(CATALOG, "milk", product("milk", 2.0, cost=2.0).SerializeToString())])
    service = build(Config(home=tmp_path, port=0, drain_seconds=0), log=log)
    async with running(service) as server, connect(server.target) as channel:
        stub = pricing_pb2_grpc.PricingServiceStub(channel)

        async def is_priced() -> bool:
            return bool((await stub.QuotePrices(pb.QuotePricesRequest(product_ids=["milk"]))).quotes)

        await wait_until(is_priced)
        await stub.SetPricingPolicy(pb.SetPricingPolicyRequest(policy=pb.PricingPolicy(min_margin=0.2)))
        monkeypatch.setenv("AISLE_GATEWAY_PRICING_TARGET", server.target)
        run = CliRunner()
        told = await asyncio.to_thread(run.invoke, app, ["price", "explain", "milk"])
        nobody = await asyncio.to_thread(run.invoke, app, ["price", "explain", "nobody"])
    assert told.exit_code == 0
    assert "milk costs 2.50 USD: raised to keep the least margin" in told.stdout
    assert "cost 2.00 and a margin of 20% need at least 2.50" in told.stdout
    assert nobody.exit_code == 1
