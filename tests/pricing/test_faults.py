"""Killed at any moment and resumed, or rebuilt from nothing, pricing holds the same rows."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from services.kit.log import CATALOG, EVENTS, Record
from services.pricing.adapters import tables
from services.pricing.adapters.database import Database
from services.pricing.adapters.governing import Governor
from services.pricing.adapters.store import Store
from services.pricing.domain.quotes import Quotes
from tests.pricing import victim
from tests.pricing.conftest import empty_database
from tests.pricing.shop import START_MICROS, Clock, Shop, contents, order, product

VIEW = (tables.products, tables.observed, tables.positions)
ACCOUNT = (tables.ledger, tables.prices, tables.policies, tables.availability)
ROOT = Path(__file__).parents[2]


def other_database(url: str, folder: Path) -> str:
    return f"sqlite+pysqlite:///{folder / 'other.db'}" if url.startswith("sqlite") else empty_database(url)


def whole(url: str) -> Database:
    """The history taken in without a fault."""
    store = Store(Database(url), Quotes(), lambda: START_MICROS)
    store.open()
    for policy in victim.policies():
        Governor(store).set_policy(policy)
    victim.take_in(store)
    return store.database


def test_killed_at_any_moment_it_comes_back_to_the_same_rows(database_url: str, tmp_path: Path) -> None:
    draw, kills = Random(11), 0
    while True:
        command = [sys.executable, "-m", "tests.pricing.victim", database_url]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            lives = draw.randrange(20, 160)
            lines = [line for _, line in zip(range(lives), process.stdout, strict=False)]
            if lines and lines[-1] == "done\n":
                break
            process.kill()
            kills += 1
    assert kills >= 2
    broken, sound = Database(database_url), whole(other_database(database_url, tmp_path))
    assert contents(broken, *VIEW, *ACCOUNT) == contents(sound, *VIEW, *ACCOUNT)
    assert len(contents(sound, tables.ledger)["ledger"]) > 200
    broken.close()
    sound.close()


def test_what_one_stream_brings_depends_on_nothing_else(
    shop: Shop, tmp_path: Path, database_url: str
) -> None:
    """Other batch borders, the streams the other way around: the same view."""
    records = victim.history()
    streams = {stream: [one for one in records if one.stream == stream] for stream in (EVENTS, CATALOG)}
    for of_one in streams.values():
        for batch in (of_one[:1], of_one[1:90], of_one[80:120], of_one[120:]):  # 80 to 90 come twice
            shop.store.apply(batch)
    sound = whole(other_database(database_url, tmp_path))
    assert contents(shop.database, *VIEW) == contents(sound, *VIEW)
    sound.close()


def test_batch_borders_do_not_show_in_the_ledger(shop: Shop, tmp_path: Path, database_url: str) -> None:
    runs: list[list[Record]] = [[]]
    for one in [one for one in victim.history() if one.stream == EVENTS]:
        runs[-1].append(one)
    other = Shop(other_database(database_url, tmp_path), Clock())
    for policy in victim.policies():
        shop.policy(policy)
        other.policy(policy)
    for one in runs[0]:
        shop.store.apply([one])
    other.store.apply(runs[0])
    assert contents(shop.database, *VIEW, *ACCOUNT) == contents(other.database, *VIEW, *ACCOUNT)
    other.close()


def test_a_replaced_log_leaves_ledger_and_policies(shop: Shop) -> None:
    shop.catalog(product("milk", 3.0))
    kept = victim.policies()[1]
    shop.policy(kept)
    shop.store.clear()
    assert shop.store.position(CATALOG) == 0
    assert shop.quote("milk") is None
    assert shop.ledger("milk") == [(0.0, 3.0)]
    assert contents(shop.database, tables.products)["products"] == []
    assert len(contents(shop.database, tables.policies)["policies"]) == 1


def test_quotes_are_the_same_after_a_restart(shop: Shop, database_url: str) -> None:
    shop.catalog(product("milk", 10.0), product("bread"))
    shop.clock.go(1)
    shop.catalog(product("milk", 8.0))
    shop.orders(order({"bread": 2.0}, shop.clock.now))
    again = Shop(database_url, shop.clock)
    assert [again.quote(name) for name in ("milk", "bread")] == [
        shop.quote(name) for name in ("milk", "bread")
    ]
    again.close()


def test_replicas_on_one_database_write_each_record_once(shop: Shop, database_url: str) -> None:
    """Both follow the log; the second finds the work done and quotes it."""
    second = Shop(database_url, shop.clock)
    for replica in (shop, second):
        replica.catalog(product("milk", 3.0))
    shop.policy(victim.policies()[0])
    second.store.refresh()
    assert second.quote("milk") == shop.quote("milk")
    assert len(shop.ledger("milk")) == 2
    second.close()


@pytest.mark.parametrize("garbage", [b"\xff\xff\xff", b""])
def test_unreadable_records_are_passed_over(shop: Shop, garbage: bytes) -> None:
    at = shop.store.position(CATALOG)
    from datetime import UTC, datetime

    bad = Record(CATALOG, at + 1, "x", garbage, datetime.now(UTC))
    shop.store.apply([bad])
    assert shop.store.position(CATALOG) == at + 1
