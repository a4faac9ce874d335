"""Empty shelves and asked prices: what records tell of weeks without orders, and that it is learnt from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from aisle.catalog.v1 import product_pb2

from services.kit.memory_log import MemoryLog
from services.kit.models import ModelStore
from services.kit.progress import silent
from services.pricing.adapters import demand_files, shelves
from services.pricing.adapters.database import sqlite_url
from services.pricing.config import Config
from services.pricing.domain.demand.assessment import Weeks
from services.pricing.domain.demand.response import Response
from services.pricing.domain.demand.shelf import WEEK, mean_prices, shares
from services.pricing.domain.limits import DAY, MICROS
from services.pricing.train import train
from tests.pricing import worlds
from tests.pricing.shop import Clock, Shop, deletion, product
from tests.pricing.test_train import START, order


def test_shares_of_weeks_that_a_product_was_for_sale() -> None:
    half = [(WEEK + WEEK // 2, False), (3 * WEEK, True)]
    assert shares(half, 0, 0, 4).tolist() == [1, 0.5, 0, 1]
    assert shares([(2 * WEEK, True)], 3 * WEEK, 0, 4).tolist() == [
        0,
        0,
        1,
        1,
    ]  # listed, and sold a week later
    assert shares([(3 * WEEK, True)], WEEK, 0, 4).tolist() == [0, 1, 1, 1]  # sold before records began


def test_the_price_of_a_week_is_what_was_asked_over_its_time() -> None:
    told = mean_prices([(WEEK, 2 * MICROS), (2 * WEEK + WEEK // 4, 4 * MICROS)], 0, 4)
    assert np.isnan(told[0])
    assert told[1:].tolist() == [2.0, 3.5, 4.0]


def test_a_week_without_sales_has_the_price_that_was_asked_as_orders_pay_it() -> None:
    units, paid = np.array([[2.0, 0, 1, 0]]), np.array([[4.0, 0, 2, 0]])
    weeks = Weeks(units, paid, np.zeros((1, 4, 0)), np.zeros(1, dtype=np.int64))
    told = replace(weeks, asked=np.array([[2.5, 2.0, 2.5, np.nan]]))
    assert told.prices()[0].tolist() == [2, pytest.approx(1.6), 2, 2]  # members pay 80% of what is asked


@pytest.mark.parametrize("name", ["slow sellers", "empty shelves"])
def test_with_records_intervals_hold_nine_in_ten(name: str) -> None:
    hits, levels = [], []
    for seed in range(2):
        made = worlds.shop(worlds.WORLDS[name], seed)
        found = worlds.learnt(made.recorded, made.recorded.prices())
        hits.append(worlds.held(found, made.elasticity))
        levels.append(found.level.sum() / worlds.learnt(made.weeks, made.weeks.prices()).level.sum())
    assert 0.83 <= np.mean(hits) <= 0.96
    assert np.mean(levels) > (1.1 if name == "empty shelves" else 0.9)  # empty weeks do not count as 0


def test_the_database_keeps_when_a_product_was_for_sale_and_what_was_asked(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "pricing.db")
    assert not shelves.exists(url)
    shop = Shop(url, Clock())
    empty = product("milk", 2.0)
    empty.upsert.available_quantity = 0
    days = (
        (product("milk", 2.0), product("rye", 1.0)),
        (empty,),
        (empty, product("rye", 1.0)),
        (product("milk", 3.0), deletion("rye")),
    )
    began = shop.clock.now
    for changes in days:
        shop.catalog(*changes)
        shop.clock.go(1)
    found = shelves.read(shop.database, ["milk", "rye", "soap"], "USD")
    assert found.sale["milk"] == [(began, True), (began + DAY, False), (began + 3 * DAY, True)]
    assert found.sale["rye"] == [(began, True), (began + 3 * DAY, False)]
    assert found.asked["milk"] == [(began, 2 * MICROS), (began + 3 * DAY, 3 * MICROS)]
    assert "soap" not in found.sale
    shop.close()
    assert shelves.exists(url)


async def test_training_knows_the_shelf_from_pricings_database(tmp_path: Path) -> None:
    """Tea sells 10 a week and is gone for the last four of 12."""
    entries = [order(week, week * 7 + 6, "tea", 4.0, 10) for week in range(8)]
    entries += [order(50 + week, week * 7 + 6, "rye", 2.0, 10) for week in range(12)]
    clock = Clock()
    clock.now = (START + 8 * 7 * 86_400) * MICROS  # when the eighth week is over

    async def learnt(home: Path) -> Response:
        log = MemoryLog()
        await log.append(entries)
        await train(Config(home=home), progress=silent, log=log, force=True)
        model = ModelStore(home, "pricing").current()
        assert model
        return demand_files.load(model)["tea"]

    believed = await learnt(tmp_path / "orders alone")
    shop = Shop(sqlite_url(tmp_path / "records" / "pricing" / "pricing.db"), clock)
    gone = product("tea", 4.0)
    gone.upsert.availability = product_pb2.AVAILABILITY_OUT_OF_STOCK
    shop.catalog(gone)
    shop.close()
    known = await learnt(tmp_path / "records")
    assert believed.weekly_units < 7
    assert known.weekly_units == pytest.approx(10, rel=0.05)
