"""Figures that a reader can check by hand."""

from pathlib import Path

import pytest

from services.kit.log import CATALOG, EVENTS, Entry
from services.kit.memory_log import MemoryLog
from services.kit.progress import silent
from services.pricing.config import Config
from services.pricing.domain.limits import DAY
from services.pricing.evaluate import evaluate
from tests.pricing.shop import order, product


async def history(*days: dict[str, float]) -> MemoryLog:
    log = MemoryLog()
    changes = (product("milk"), product("bread"), product("never sold"), product("listed", 2.0))
    await log.append([Entry(CATALOG, one.upsert.id, one.SerializeToString()) for one in changes])
    events = [order(lines, (day + 1) * DAY) for day, lines in enumerate(days) if lines]
    await log.append([Entry(EVENTS, str(n), one.SerializeToString()) for n, one in enumerate(events)])
    return log


async def test_the_latest_price_before_a_week_against_the_first_in_it(tmp_path: Path) -> None:
    # The last week begins on the eighth day: milk goes from 2 to 3 there, bread stays at 1.
    log = await history(
        {"milk": 9.0}, {"milk": 2.0, "bread": 1.0}, *[{}] * 6, {"milk": 3.0}, {"bread": 1.0, "milk": 8.0}
    )
    found = await evaluate(Config(home=tmp_path), progress=silent, weeks=1, log=log)
    metrics = found["metrics"]
    assert metrics["priced"] == {"value": 0.75, "low": None, "high": None}
    assert metrics["latest_observed_mae"]["value"] == pytest.approx(0.5)
    assert metrics["latest_observed_wape"]["value"] == pytest.approx(0.25)
    assert metrics["latest_observed_mae"]["low"] <= 0.5 <= metrics["latest_observed_mae"]["high"]
    assert found["compared"] == 2


async def test_an_empty_log_is_told(tmp_path: Path) -> None:
    with pytest.raises(LookupError):
        await evaluate(Config(home=tmp_path), progress=silent, log=MemoryLog())
