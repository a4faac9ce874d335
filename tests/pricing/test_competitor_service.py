"""Competitors' prices over a real channel and from a file."""

import asyncio
import json
from pathlib import Path

import grpc
import pytest
from aisle.catalog.v1 import error_reason_pb2
from aisle.pricing.v1 import competitor_pb2, pricing_pb2_grpc
from aisle.pricing.v1 import pricing_pb2 as pb
from typer.testing import CliRunner

from services.__main__ import app
from services.kit.channels import connect
from services.kit.errors import field_of, reason_of
from services.kit.memory_log import MemoryLog
from services.kit.testing import running
from services.pricing.config import Config
from services.pricing.server import build, wall_clock
from tests.pricing.shop import product, units
from tests.pricing.test_service import priced, write

MATCH = competitor_pb2.CompetitorRule(kind=competitor_pb2.COMPETITOR_RULE_KIND_MATCH)


def seen(
    product_id: str, price: float, competitor: str = "corner", currency: str = "USD"
) -> competitor_pb2.CompetitorPrice:
    made = competitor_pb2.CompetitorPrice(product_id=product_id, competitor=competitor)
    made.price.currency_code, made.price.amount_micros = currency, units(price)
    made.observe_time.FromMicroseconds(wall_clock() // 1_000_000 * 1_000_000)
    return made


async def test_prices_are_imported_followed_and_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = MemoryLog()
    await write(log, product("milk", 5.0), product("rye", 3.0))
    async with (
        running(build(Config(home=tmp_path, port=0, drain_seconds=0), log=log)) as server,
        connect(server.target) as channel,
    ):
        stub = pricing_pb2_grpc.PricingServiceStub(channel)
        await priced(stub, "milk", 5.0)
        policy = pb.PricingPolicy(competitor_rule=MATCH)
        told = (await stub.SetPricingPolicy(pb.SetPricingPolicyRequest(policy=policy))).policy.competitor_rule
        assert (told.kind, told.max_age.seconds) == (MATCH.kind, 7 * 86_400)
        prices = [
            seen("milk", 4.0),
            seen("who", 4.0),
            seen("rye", 2.0, competitor=""),
            seen("rye", 2.0, currency="EUR"),
        ]
        request = competitor_pb2.ImportCompetitorPricesRequest(prices=prices, actor="ann")
        answer = await stub.ImportCompetitorPrices(request)
        assert (answer.imported_count, answer.known_count) == (1, 0)
        name = error_reason_pb2.ErrorReason.Name
        assert [
            (one.index, name(one.reason).removeprefix("ERROR_REASON_"), one.field) for one in answer.refused
        ] == [
            (1, "PRODUCT_NOT_FOUND", "product_id"),
            (2, "REQUIRED", "competitor"),
            (3, "MIXED_CURRENCIES", "price.currency_code"),
        ]
        assert (await stub.ImportCompetitorPrices(request)).known_count == 1
        story = await stub.ExplainPrice(pb.ExplainPriceRequest(product_id="milk"))
        assert story.quote.reason == "kept beside a competitor's price"
        assert story.steps[-1].text == "corner asks 4.00: the same is wanted"
        history = await stub.ListPriceHistory(pb.ListPriceHistoryRequest(product_id="milk"))
        assert history.entries[0].audit.competitor_price.amount_micros == units(4)

        file = tmp_path / "watch.csv"
        file.write_text(
            "product_id,competitor,price,currency,observe_time\n"
            f"rye,corner,2.50,USD,{prices[0].observe_time.ToJsonString()}\n"
            f"rye,corner,much,USD,{prices[0].observe_time.ToJsonString()}\n"
        )
        monkeypatch.setenv("AISLE_GATEWAY_PRICING_TARGET", server.target)
        words = ["price", "import-competitors", str(file), "--by", "ann", "--json"]
        done = await asyncio.to_thread(CliRunner().invoke, app, words)
        assert done.exit_code == 2
        report = json.loads(done.stdout)
        assert (report["imported"], report["refused"]) == (
            1,
            [[3, "price: 'much' is not an amount of money"]],
        )
        await priced(stub, "rye", 2.5)


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"kind": 0}, "policy.competitor_rule.kind"),
        ({"kind": 2}, "policy.competitor_rule.by"),
        ({"kind": 3, "by": 1.0}, "policy.competitor_rule.by"),
        ({"kind": 1, "max_age": {"seconds": 91 * 86_400}}, "policy.competitor_rule.max_age"),
        ({"kind": 1, "max_age": {"seconds": 0}}, "policy.competitor_rule.max_age"),
    ],
)
async def test_bad_rules_are_refused(tmp_path: Path, rule: dict[str, object], field: str) -> None:
    async with (
        running(build(Config(home=tmp_path, port=0, drain_seconds=0), log=MemoryLog())) as server,
        connect(server.target) as channel,
    ):
        stub = pricing_pb2_grpc.PricingServiceStub(channel)
        policy = pb.PricingPolicy(competitor_rule=competitor_pb2.CompetitorRule(**rule))  # type: ignore[arg-type]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.SetPricingPolicy(pb.SetPricingPolicyRequest(policy=policy))
        assert (reason_of(caught.value), field_of(caught.value)) == ("INVALID_VALUE", field)
