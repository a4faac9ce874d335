"""Elasticities by segment: found for a person to read, and out of reach of every price."""

from pathlib import Path

import numpy as np
import pytest
from aisle.events.v1 import event_pb2
from aisle.pricing.v1 import pricing_pb2

from services.kit.log import EVENTS, Entry
from services.kit.memory_log import MemoryLog
from services.kit.models import ModelStore
from services.kit.progress import silent
from services.pricing.adapters import demand_files
from services.pricing.analysis.segments import sensitivity
from services.pricing.config import Config
from services.pricing.domain.demand.assessment import Weeks
from services.pricing.domain.proposal import ALLOWED_INPUTS
from services.pricing.evaluate import evaluate
from services.pricing.train import train
from tests.pricing.test_train import shop


def made(seed: int) -> tuple[Weeks, dict[str, np.ndarray]]:
    """80 products that students buy at an elasticity of -3 +- 0.4, others at -1.5."""
    random = np.random.default_rng(seed)
    price = 4 * np.exp(-0.25 * (random.random((80, 40)) < 0.2))
    units = {
        name: random.poisson(
            random.uniform(2, 15, (80, 1)) * (price / 4) ** random.normal(mean, 0.4, (80, 1))
        ).astype(float)
        for name, mean in (("students", -3.0), ("others", -1.5))
    }
    total = units["students"] + units["others"]
    category = random.integers(0, 4, 80)
    return Weeks(total, total * price, np.zeros((80, 40, 0)), category), units


def test_segments_are_told_apart_with_intervals() -> None:
    hits = 0
    for seed in range(5):
        found = sensitivity(*made(seed))
        assert found.names == ["others", "students"]
        assert found.elasticity[1] < found.elasticity[0] - 1
        hits += int((np.abs(found.elasticity - [-1.5, -3.0]) < 1.96 * found.error).sum())
    assert hits >= 8


def in_segments(entries: list[Entry], names: tuple[str, ...]) -> list[Entry]:
    """The same log, orders placed in one segment after another."""
    told = []
    for number, entry in enumerate(entries):
        if entry.stream == EVENTS:
            event = event_pb2.Event.FromString(entry.payload)
            event.segment = names[number % len(names)]
            entry = Entry(EVENTS, entry.key, event.SerializeToString())
        told.append(entry)
    return told


async def test_the_logs_segments_are_measured(tmp_path: Path) -> None:
    log = MemoryLog()
    await log.append(in_segments(shop(20), ("north", "south")))
    found = await evaluate(Config(home=tmp_path), progress=silent, segments="segment", log=log)
    for name in ("north", "south"):
        told = found["metrics"][f"elasticity_{name}"]
        assert told["low"] < -2 < told["high"]
    assert (found["segments"], found["products"]) == (2, 7)
    with pytest.raises(ValueError, match="no segments 'age'"):
        await evaluate(Config(home=tmp_path), progress=silent, segments="age", log=log)


async def test_what_is_learnt_for_prices_knows_no_segment(tmp_path: Path) -> None:
    found = []
    for home, names in (("one", ("",)), ("other", ("north", "south", "east"))):
        log = MemoryLog()
        await log.append(in_segments(shop(10), names))
        await train(Config(home=tmp_path / home), progress=silent, log=log, force=True)
        model = ModelStore(tmp_path / home, "pricing").current()
        assert model
        found.append(dict(demand_files.load(model)))
    assert found[0] == found[1]


def test_no_request_and_no_input_of_a_price_names_a_segment() -> None:
    """That no module of prices imports the analysis is import-linter's contract."""
    assert not {one for one in ALLOWED_INPUTS if "segment" in one}
    asked = pricing_pb2.DESCRIPTOR.message_types_by_name
    names = {field.name for message in asked.values() for field in message.fields}
    assert not {one for one in names if "segment" in one}
