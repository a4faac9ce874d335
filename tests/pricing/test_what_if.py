"""What other prices would have brought: counted by hand, honest about doubt, and asked over the wire."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from aisle.pricing.v1 import pricing_pb2 as pb
from aisle.pricing.v1 import pricing_pb2_grpc, simulation_pb2
from typer.testing import CliRunner

from services.__main__ import app
from services.kit.channels import connect
from services.kit.errors import field_of, reason_of
from services.kit.memory_log import MemoryLog
from services.kit.models import ModelStore
from services.kit.testing import running
from services.pricing.adapters import demand_files
from services.pricing.config import Config
from services.pricing.domain.demand.response import Response, responses
from services.pricing.domain.demand.whatif import History, Replayed, replay
from services.pricing.domain.limits import DAY
from services.pricing.server import build
from tests.pricing import worlds
from tests.pricing.shop import product, units
from tests.pricing.test_service import priced, write

Stub = pricing_pb2_grpc.PricingServiceStub


def milk(tried: float, cost: float | None = 1.0, error: float = 0.0) -> Replayed:
    response = Response("milk", "Dairy", "USD", 4.0, 50.0, -2.0, error, False)
    asked = np.array([4.0, 4.0])
    return Replayed(response, "Dairy", np.array([40.0, 60.0]), asked, np.full(2, tried), (3.0, 5.0), cost)


def test_the_same_prices_would_have_brought_the_same() -> None:
    total, (dairy,) = replay([milk(4.0)])
    assert total.units == (100, 100, 100, 100)
    assert total.margin == (300, 300, 300, 300)
    assert (total.changed, dairy.category) == (0, "Dairy")


def test_a_dearer_week_keeps_what_the_elasticity_says() -> None:
    total, _ = replay([milk(5.0)])
    assert total.units.simulated == pytest.approx(100 * (5 / 4) ** -2, rel=0.02)
    assert total.revenue.simulated == pytest.approx(5 * total.units.simulated)
    assert total.margin is not None
    assert total.margin.simulated == pytest.approx(4 * total.units.simulated)
    assert total.units.low < total.units.simulated < total.units.high < 100


def test_doubt_widens_the_interval_and_nothing_is_believed_far_from_what_was_seen() -> None:
    sure, unsure = replay([milk(5.0)])[0].units, replay([milk(5.0, error=0.5)])[0].units
    assert unsure.high - unsure.low > 1.3 * (sure.high - sure.low)
    assert replay([milk(0.5)])[0].units.simulated == pytest.approx(100 * (2.4 / 4) ** -2, rel=0.02)


def test_a_product_without_a_cost_is_not_in_the_margin() -> None:
    total, _ = replay([milk(5.0, cost=None)])
    assert (total.margin, total.uncosted) == (None, 1)


@pytest.mark.parametrize("share", [-0.1, 0.15])
def test_intervals_hold_nine_in_ten_of_what_would_have_been(share: float) -> None:
    """Of made-up shops it is known: the same shoppers, some of whom stay away, or more of whom come."""
    hits: list[bool] = []
    for seed in range(6):
        made = worlds.shop(worlds.World(swing=0.3, noise=0.3, products=120), seed)
        random, weeks = np.random.default_rng(seed), slice(-8, None)
        demand = worlds.learnt(made.weeks, made.asked)
        names = [str(one) for one in range(len(made.elasticity))]
        usual = np.median(made.asked, axis=1)
        known = responses(
            demand,
            names,
            [str(one) for one in made.weeks.category],
            usual,
            made.weeks.units.sum(axis=1),
            "USD",
        )
        rows = [
            Replayed(
                known[at],
                known[at].category,
                made.weeks.units[at, weeks],
                made.asked[at, weeks],
                made.asked[at, weeks] * (1 + share),
                (made.asked[at].min(), made.asked[at].max()),
                None,
            )
            for at in range(len(names))
        ]
        ratio = ((1 + share) ** made.elasticity)[:, None]
        sold = made.weeks.units[:, weeks]
        fewer = random.binomial(sold.astype(int), np.minimum(ratio, 1))
        true = fewer + random.poisson(sold * np.maximum(ratio - 1, 0))
        for outcome in replay(rows, seed)[1]:
            brought = true[made.weeks.category == int(outcome.category)].sum()
            hits.append(bool(outcome.units.low <= brought <= outcome.units.high))
    assert 0.8 <= np.mean(hits) <= 1.0


RESPONSES = [
    Response("milk", "Dairy", "USD", 4.0, 50.0, -2.0, 0.2, False),
    Response("rye", "Bread", "USD", 3.0, 20.0, -1.0, 0.3, True),
]
WEEKS = 12
END = 1_767_225_600_000_000 + 7 * WEEKS * DAY


def learnt(home: Path, *, weeks: bool = True) -> None:
    history = History(
        ["milk", "rye"], np.full((2, WEEKS), 10.0), np.array([[4.0] * WEEKS, [3.0] * WEEKS]), END
    )
    ModelStore(home, "pricing").create(
        lambda folder: demand_files.save(RESPONSES, folder, history if weeks else None), metrics={}, span={}
    )


@pytest.fixture
async def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stub]:
    log = MemoryLog()
    await write(
        log,
        product("milk", 4.0, cost=2.0, categories=["Food > Dairy"]),
        product("rye", 3.0, categories=["Food"]),
    )
    learnt(tmp_path)
    config = Config(home=tmp_path, port=0, drain_seconds=0)
    async with running(build(config, log=log)) as server, connect(server.target) as channel:
        stub = pricing_pb2_grpc.PricingServiceStub(channel)
        await priced(stub, "rye", 3.0)
        monkeypatch.setenv("AISLE_GATEWAY_PRICING_TARGET", server.target)
        yield stub


async def test_changes_and_policies_are_replayed(stub: Stub) -> None:
    change = simulation_pb2.PriceChange(category="Food > Dairy", share=0.25)
    bread = pb.PricingPolicy(product_id="rye")
    bread.ceiling.currency_code, bread.ceiling.amount_micros = "USD", units(2.5)
    request = pb.SimulatePolicyRequest(changes=[change], policies=[bread])
    answer = await stub.SimulatePolicy(request)
    assert (answer.week_count, answer.currency_code) == (8, "USD")
    assert answer.end_time.ToMicroseconds() == END
    assert answer.start_time.ToMicroseconds() == END - 8 * 7 * DAY
    assert [one.category for one in answer.categories] == ["Food > Dairy", "Food"]
    dairy, food = answer.categories
    assert dairy.revenue.actual == pytest.approx(320)
    assert dairy.units.simulated == pytest.approx(80 / 1.25**2, rel=0.03)
    assert dairy.margin.simulated == pytest.approx(3 * dairy.units.simulated)
    assert food.units.simulated == pytest.approx(80 * 3 / 2.5, rel=0.03)
    assert not food.HasField("margin")
    assert (answer.total.product_count, answer.total.changed_count, answer.total.uncosted_count) == (2, 2, 1)
    assert (await stub.SimulatePolicy(request)) == answer


async def test_the_command_tells_it(stub: Stub, tmp_path: Path) -> None:
    file = tmp_path / "trial.toml"
    file.write_text('week_count = 4\n[[changes]]\ncategory = "Food > Dairy"\nshare = 0.1\n', "utf-8")

    async def what_if(*words: str) -> str:
        done = await asyncio.to_thread(CliRunner().invoke, app, ["price", "what-if", *words])
        assert done.exit_code == 0, done.output
        return done.stdout

    told = json.loads(await what_if(str(file), "--json"))
    assert (told["week_count"], told["total"]["changed_count"]) == (4, 1)
    assert "Food > Dairy" in await what_if("--change", "-0.1", "--weeks", "3")


BAD: list[tuple[pb.SimulatePolicyRequest, str, str]] = [
    (pb.SimulatePolicyRequest(), "REQUIRED", "changes"),
    (
        pb.SimulatePolicyRequest(changes=[simulation_pb2.PriceChange(share=-1)]),
        "INVALID_VALUE",
        "changes[0].share",
    ),
    (pb.SimulatePolicyRequest(changes=[simulation_pb2.PriceChange()] * 101), "TOO_MANY_ITEMS", "changes"),
    (
        pb.SimulatePolicyRequest(policies=[pb.PricingPolicy(market="mars")]),
        "INVALID_VALUE",
        "policies.market",
    ),
    (
        pb.SimulatePolicyRequest(market="mars", changes=[simulation_pb2.PriceChange(share=0.1)]),
        "INVALID_VALUE",
        "market",
    ),
]


async def test_what_cannot_be_tried_is_refused_with_a_reason(stub: Stub) -> None:
    for request, reason, field in BAD:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.SimulatePolicy(request)
        assert (reason_of(caught.value), field_of(caught.value)) == (reason, field)


@pytest.mark.parametrize("trained", [False, True])
async def test_without_a_model_or_its_weeks_it_says_so(tmp_path: Path, *, trained: bool) -> None:
    if trained:
        learnt(tmp_path, weeks=False)
    config = Config(home=tmp_path, port=0, drain_seconds=0)
    async with running(build(config, log=MemoryLog())) as server, connect(server.target) as channel:
        request = pb.SimulatePolicyRequest(changes=[simulation_pb2.PriceChange(share=0.1)])
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await pricing_pb2_grpc.PricingServiceStub(channel).SimulatePolicy(request)
        assert reason_of(caught.value) == "MODEL_UNAVAILABLE"
