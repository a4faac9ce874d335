"""Learning demand from the log: what a shop's orders tell of its prices, and what they do not."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from aisle.events.v1 import event_pb2

from services.kit.log import CATALOG, EVENTS, Entry
from services.kit.memory_log import MemoryLog
from services.kit.models import ModelStore
from services.kit.progress import silent
from services.pricing.adapters import demand_files
from services.pricing.config import Config
from services.pricing.domain.demand.response import Response
from services.pricing.train import train
from tests.pricing.shop import product, units

DAY = 86_400
START = 1_767_225_600
"""2026-01-01 in Unix seconds."""


def order(number: int, day: float, product_id: str, price: float, pieces: int) -> Entry:
    event = event_pb2.Event(message_id=f"m{number}", type=event_pb2.EVENT_TYPE_ORDER_COMPLETED, user_id="u")
    event.event_time.seconds = int(START + day * DAY)
    detail = event.product_details.add(product_id=product_id, quantity=pieces)
    detail.price.currency_code, detail.price.amount_micros = "USD", units(price)
    return Entry(EVENTS, event.message_id, event.SerializeToString())


def shop(weeks: int, elasticity: float = -2.0) -> list[Entry]:
    """Six teas whose prices go up and down, and one, "still", whose price never moves."""
    draw, entries, number = np.random.default_rng(0), [], 0
    names = [f"tea{n}" for n in range(6)] + ["still"]
    for name in names:
        change = product(name, 4.0, categories=["Drinks > Tea"])
        entries.append(Entry(CATALOG, name, change.SerializeToString()))
    for week in range(weeks):
        for at, name in enumerate(names):
            price = 4.0 if name == "still" else (4.0, 3.0, 5.0)[(week // 2 + at) % 3]
            sold = int(draw.poisson(60 * (price / 4.0) ** elasticity))
            for pieces in np.bincount(draw.integers(0, 7, sold), minlength=7):
                if pieces:
                    number += 1
                    entries.append(order(number, week * 7 + number % 7, name, price, int(pieces)))
    return entries


async def trained(home: Path, entries: list[Entry]) -> dict[str, object]:
    log = MemoryLog()
    await log.append(entries)
    return dict(await train(Config(home=home), progress=silent, log=log))


async def test_elasticities_are_told_from_orders_and_serve(tmp_path: Path) -> None:
    report = await trained(tmp_path, shop(30))
    assert report["promoted"]
    assert report["metrics"]["wape"]["value"] < report["metrics"]["four_week_mean_wape"]["value"]  # type: ignore[index]
    model = ModelStore(tmp_path, "pricing").current()
    assert model is not None
    known = demand_files.load(model)
    assert known.version == f"demand-{model.version}"
    assert set(known) == {"still", *(f"tea{n}" for n in range(6))}
    for number in range(6):
        tea = known[f"tea{number}"]
        assert tea.elasticity == pytest.approx(-2.0, abs=0.35)
        assert not tea.prior_only
        assert tea.units(tea.price) == pytest.approx(tea.weekly_units)
    still = known["still"]
    assert still.prior_only
    assert still.elasticity == pytest.approx(-2.0, abs=0.5)  # its category's
    assert still.elasticity_error > known["tea0"].elasticity_error
    assert (still.category, still.currency) == ("Drinks > Tea", "USD")
    assert still.weekly_units == pytest.approx(60, rel=0.2)


def promoted(weeks: int, elasticity: float, times: float) -> tuple[list[Entry], str]:
    """The shop, each dip of a tea put on display too, and every third of its other weeks; with the table."""
    draw, entries, number = np.random.default_rng(1), [], 0
    table = "product_id,kind,begin_date,end_date\n"
    for week in range(weeks):
        for at in range(6):
            dips, shown = (week + at) % 4 == 0, (week + at) % 4 == 0 or (week + 2 * at) % 3 == 0
            price = 3.0 if dips else 4.0
            sold = draw.poisson(80 * (price / 4.0) ** elasticity * (times if shown else 1.0))
            for pieces in np.bincount(draw.integers(0, 7, int(sold)), minlength=7):
                number += 1
                entries.append(order(number, week * 7 + number % 7, f"tea{at}", price, max(int(pieces), 1)))
            if shown:
                begin = date(2026, 1, 1) + timedelta(7 * week)
                table += f"tea{at},display,{begin},{begin + timedelta(6)}\n"
    return entries, table


async def test_what_a_display_sold_is_not_the_prices_doing(tmp_path: Path) -> None:
    entries, table = promoted(24, elasticity=-1.5, times=2.0)
    log = MemoryLog()
    await log.append(entries)
    file = tmp_path / "promotions.csv"
    file.write_text(table + "unknown,display,2026-01-01,2026-01-07\n")
    alone = await train(Config(home=tmp_path / "alone"), progress=silent, log=log)
    told = await train(Config(home=tmp_path / "told"), promotions=file, progress=silent, log=log)
    assert told["metrics"]["elasticity_median"]["value"] == pytest.approx(-1.5, abs=0.3)
    assert told["metrics"]["times_display"]["value"] == pytest.approx(2.0, rel=0.1)
    assert alone["metrics"]["elasticity_median"]["value"] < -2.2


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("product_id,kind\n", "the columns product_id, kind, begin_date, end_date are needed"),
        ("product_id,kind,begin_date,end_date\ntea,,2026-01-01,2026-01-02\n", "line 2: product_id and kind"),
        ("product_id,kind,begin_date,end_date\ntea,a,soon,2026-01-02\n", "line 2: soon is no date"),
        ("product_id,kind,begin_date,end_date\ntea,a,2026-01-02\n", "line 2: nothing is no date"),
        ("product_id,kind,begin_date,end_date\ntea,a,2026-01-02,2026-01-01\n", "2026-01-01 is before"),
    ],
)
async def test_a_wrong_table_of_promotions_is_refused_by_its_line(
    tmp_path: Path, table: str, reason: str
) -> None:
    file = tmp_path / "promotions.csv"
    file.write_text(table)
    with pytest.raises(ValueError, match=reason):
        await train(Config(home=tmp_path), promotions=file, progress=silent, log=MemoryLog())


async def test_too_few_weeks_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="8 whole weeks of orders; 9 are needed"):
        await trained(tmp_path, shop(8))
    with pytest.raises(ValueError, match="no orders with prices"):
        await trained(tmp_path, [])
    assert ModelStore(tmp_path, "pricing").current() is None


async def test_the_same_log_teaches_the_same(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        await trained(tmp_path / name, shop(12))
        model = ModelStore(tmp_path / name, "pricing").current()
        assert model is not None
        found.append(dict(demand_files.load(model)))
    assert found[0] == found[1]


def test_a_response_foretells_units_and_how_sure_that_is() -> None:
    tea = Response("tea", "Tea", "USD", 4.0, 60.0, -2.0, 0.25, prior_only=False)
    assert tea.units(2.0) == pytest.approx(240)
    low, high = tea.interval(2.0)
    assert low < 240 < high
    assert tea.interval(4.0) == (60, 60)
