"""Experiments over a real channel: approved, switched by the clock, measured from the log."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest
from aisle.pricing.v1 import experiment_pb2 as eb
from aisle.pricing.v1 import pricing_pb2 as pb
from aisle.pricing.v1 import pricing_pb2_grpc
from typer.testing import CliRunner

from services.__main__ import app
from services.kit.channels import connect
from services.kit.errors import field_of, reason_of
from services.kit.memory_log import MemoryLog
from services.kit.testing import running, wait_until
from services.pricing.domain.limits import DAY
from services.pricing.server import build, wall_clock
from tests.pricing.shop import Clock, order, product, units
from tests.pricing.test_service import config, priced, write

Stub = pricing_pb2_grpc.PricingServiceStub


class House(NamedTuple):
    """A service, its log, and its clock: three weeks behind ours, so that orders lie in the past."""

    stub: Stub
    log: MemoryLog
    clock: Clock


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> AsyncIterator[House]:
    log, clock = MemoryLog(), Clock()
    clock.now = wall_clock() - 21 * DAY
    await write(log, product("milk", 4.0, cost=2.0), product("rye", 3.0))
    service = build(config(tmp_path, database_url), log=log, now=clock)
    async with running(service) as server, connect(server.target) as channel:
        stub = pricing_pb2_grpc.PricingServiceStub(channel)
        await priced(stub, "rye", 3.0)
        policy = pb.PricingPolicy(mode=pb.PRICING_MODE_PROPOSE)
        await stub.SetPricingPolicy(pb.SetPricingPolicyRequest(policy=policy))
        monkeypatch.setenv("AISLE_GATEWAY_PRICING_TARGET", server.target)
        yield House(stub, log, clock)


def asked(**extra: object) -> eb.StartExperimentRequest:
    told: dict[str, object] = {"product_ids": ["milk"], "change": -0.1, "block_count": 14}
    return eb.StartExperimentRequest(proposer="ann", request_id="e1", **(told | extra))  # type: ignore[arg-type]


async def command(*words: str) -> str:
    done = await asyncio.to_thread(CliRunner().invoke, app, ["price", "experiment", *words])
    assert done.exit_code == 0, done.output
    return done.stdout


async def test_two_weeks_of_days_tell_what_a_lower_price_sells(house: House) -> None:
    told = json.loads(
        await command(
            "start", "--by", "ann", "--request-id", "e1", "--product", "milk", "--product", "who",
            "--change", "-0.1", "--blocks", "14", "--washout", "1", "--json",
        )
    )  # fmt: skip
    assert told["experiment"]["status"] == "EXPERIMENT_STATUS_PENDING"
    assert [one["product_id"] for one in told["left_out"]] == ["who"]
    await command("approve", "1", "--by", "bob")
    for day in range(14):
        (known,) = (await house.stub.ListExperiments(eb.ListExperimentsRequest())).experiments
        treated = known.assignments[-1].arm == eb.EXPERIMENT_ARM_TREATMENT
        await priced(house.stub, "milk", 3.6 if treated else 4.0)
        at = [house.clock.now + n * DAY // 100 for n in range(10, 30 if treated else 20)]
        await write(house.log, *(order({"milk": 3.6 if treated else 4.0}, one) for one in at))
        house.clock.go(1)
        if day < 13:
            await wait_until(lambda day=day: _begun(house.stub, day + 1))
    await wait_until(lambda: _over(house.stub))
    await priced(house.stub, "milk", 4.0)
    measured = json.loads(await command("effect", "1", "--json"))
    figures = {one["name"]: one for one in measured["figures"]}
    assert (figures["units"]["control"], figures["units"]["treatment"]) == (140, 280)
    assert figures["units"]["effect"] == pytest.approx(
        {"value": 1.0, "low": 1.0, "high": 1.0, "p_value": 2 / 128}, abs=1e-6
    )
    assert figures["revenue"]["effect"]["value"] == pytest.approx(0.8)
    assert figures["margin"]["effect"]["value"] == pytest.approx(0.6)
    assert "always_valid" not in measured
    assert "+100.0%" in await command("effect", "1")
    assert "ended" in await command("list")


async def _begun(stub: Stub, block: int) -> bool:
    (known,) = (await stub.ListExperiments(eb.ListExperimentsRequest())).experiments
    return any(one.unit == block for one in known.assignments)


async def _over(stub: Stub) -> bool:
    (known,) = (await stub.ListExperiments(eb.ListExperimentsRequest())).experiments
    return known.status == eb.EXPERIMENT_STATUS_ENDED


async def test_a_running_experiment_says_what_it_cannot_tell_yet(house: House) -> None:
    await house.stub.StartExperiment(asked())
    waits = await house.stub.MeasureExperiment(eb.MeasureExperimentRequest(experiment_id="1"))
    assert (waits.reason, len(waits.figures)) == ("it has not begun", 0)
    await house.stub.ApproveExperiment(eb.ApproveExperimentRequest(experiment_id="1", approver="bob"))
    begun = await house.stub.MeasureExperiment(eb.MeasureExperimentRequest(experiment_id="1"))
    assert (begun.always_valid, begun.reason) == (True, "5 pairs are needed, 0 are whole")
    stopped = await house.stub.StopExperiment(eb.StopExperimentRequest(experiment_id="1", actor="eve"))
    assert stopped.experiment.status == eb.EXPERIMENT_STATUS_STOPPED


BAD: list[tuple[dict[str, object], str, str]] = [
    ({"request_id": ""}, "REQUIRED", "request_id"),
    ({"proposer": ""}, "REQUIRED", "proposer"),
    ({"product_ids": []}, "INVALID_VALUE", "scope"),
    ({"category": "Food"}, "INVALID_VALUE", "scope"),
    ({"change": 0.0}, "INVALID_VALUE", "change"),
    ({"change": 0.7}, "INVALID_VALUE", "change"),
    ({"block_count": 13}, "INVALID_VALUE", "block_count"),
    ({"kind": 9}, "INVALID_VALUE", "kind"),
    ({"market": "mars"}, "INVALID_VALUE", "market"),
    ({"product_ids": ["who"]}, "INVALID_VALUE", "scope"),
    ({"kind": eb.EXPERIMENT_KIND_PRODUCTS}, "MODEL_UNAVAILABLE", ""),
]


async def test_bad_requests_are_refused(house: House) -> None:
    for change, reason, field in BAD:
        request = asked()
        for name in change:
            request.ClearField(name)  # type: ignore[arg-type]
        request.MergeFrom(eb.StartExperimentRequest(**change))  # type: ignore[arg-type]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await house.stub.StartExperiment(request)
        assert (reason_of(caught.value), field_of(caught.value)) == (reason, field), change
    listed = await house.stub.ListExperiments(eb.ListExperimentsRequest())
    assert not listed.experiments


async def test_what_cannot_begin_says_why(house: House) -> None:
    approve = eb.ApproveExperimentRequest(experiment_id="1", approver="bob")
    for done, reason in (
        (None, "EXPERIMENT_NOT_FOUND"),
        ("stale", "EXPERIMENT_STALE"),
        ("over", "EXPERIMENT_OVER"),
    ):
        if done == "stale":
            await house.stub.StartExperiment(asked())
            bounds = pb.PricingPolicy(mode=pb.PRICING_MODE_PROPOSE)
            bounds.floor.currency_code, bounds.floor.amount_micros = "USD", units(3.8)
            await house.stub.SetPricingPolicy(pb.SetPricingPolicyRequest(policy=bounds))
        if done == "over":
            await house.stub.StopExperiment(eb.StopExperimentRequest(experiment_id="1", actor="eve"))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await house.stub.ApproveExperiment(approve)
        assert reason_of(caught.value) == reason
