"""The ledger: chained entry by entry, so that whatever is done to it behind its back is found."""

import json
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import text
from typer.testing import CliRunner

from services.__main__ import app
from services.pricing.adapters import ledger, migrate, tables
from services.pricing.adapters.database import Database, sqlite_url
from services.pricing.domain.policy import Policy
from tests.pricing.shop import START_MICROS, Clock, Shop, contents, product, units

TAMPERINGS = {
    "a price": ("UPDATE ledger SET price = price + 1 WHERE sequence = 2", "record 2 was changed"),
    "a time": ("UPDATE ledger SET time = time - 1 WHERE sequence = 2", "record 2 was changed"),
    "an input": ("UPDATE ledger SET audit = '{}' WHERE sequence = 3", "record 3 was changed"),
    "a hash": (f"UPDATE ledger SET hash = '{'f' * 64}' WHERE sequence = 1", "record 1 was changed"),
    "an entry taken out": ("DELETE FROM ledger WHERE sequence = 2", "record 2 is missing"),
    "an entry moved": ("UPDATE ledger SET sequence = 9 WHERE sequence = 3", "record 3 is missing"),
}


def three_prices(shop: Shop) -> None:
    for price in (3.0, 4.0, 2.0):
        shop.catalog(product("milk", price))
        shop.clock.go(1)


def do(database: Database, statement: str) -> None:
    with database.write() as connection:
        connection.execute(text(statement))


def test_a_ledger_that_nobody_touched_is_sound(shop: Shop) -> None:
    assert ledger.verify(shop.database).sound
    three_prices(shop)
    first = ledger.verify(shop.database)
    assert first.sound
    assert first.chain.head.sequence == 3
    shop.policy(Policy(currency="USD", floor=units(5)))
    assert ledger.verify(shop.database, first.chain.head.hash).sound


@pytest.mark.parametrize("what", TAMPERINGS)
def test_tampering_is_found(shop: Shop, what: str) -> None:
    three_prices(shop)
    statement, problem = TAMPERINGS[what]
    do(shop.database, statement)
    found = ledger.verify(shop.database)
    assert not found.sound
    assert problem in found.chain.problem


def test_a_ledger_cut_short_is_found_by_its_prices_and_by_a_noted_head(shop: Shop) -> None:
    three_prices(shop)
    head = ledger.verify(shop.database).chain.head.hash
    do(shop.database, "DELETE FROM ledger WHERE sequence = 3")
    assert ledger.verify(shop.database).astray == [("default", "milk")]
    do(shop.database, "DELETE FROM prices")
    assert ledger.verify(shop.database).sound  # the head is what tells of it
    assert not ledger.verify(shop.database, head).sound


def test_a_price_that_is_not_the_ledgers_is_found(shop: Shop) -> None:
    three_prices(shop)
    do(shop.database, "UPDATE prices SET price = 1")
    assert ledger.verify(shop.database).astray == [("default", "milk")]


def test_an_entry_says_what_the_price_was_made_from(shop: Shop) -> None:
    shop.catalog(product("milk", 3.0, cost=2.0))
    shop.clock.go(2)
    policy = shop.policy(Policy(currency="USD", floor=units(4), max_daily_step=900_000))
    audits = [json.loads(str(row[9])) for row in contents(shop.database, tables.ledger)["ledger"]]
    assert audits == [
        {"base": units(3)},
        {
            "base": units(3),
            "cost": units(2),
            "day_ago": units(3),
            "policy": "market",
            "policy_time": policy.update_time,
        },
    ]


def old_database(url: str) -> Database:
    """As the first version left it: no numbered migrations, a ledger without hashes."""
    database = Database(url)
    with database.engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", "services.pricing.adapters:migrations")
        command.upgrade(config, migrate.FIRST)
        connection.execute(text("DROP TABLE alembic_version"))
        for statement in (
            "INSERT INTO products VALUES ('milk', 'USD', 4000000, NULL, NULL, '[\"Food\"]', false)",
            "INSERT INTO policies VALUES ('default', 'market', '', 0, 'USD', 2000000, NULL, '[]', 0, 7)",
            *(
                f"INSERT INTO ledger VALUES ('default', {entry}, 1)"
                for entry in (
                    f"'milk', 1, {START_MICROS}, 'USD', 3000000, NULL, 1",
                    f"'milk', 2, {START_MICROS + 5}, 'USD', 4000000, 3000000, 1",
                    f"'rye', 1, {START_MICROS + 2}, 'USD', 1000000, NULL, 2",
                )
            ),
            "INSERT INTO prices VALUES ('default', 'milk', true, 1, 1, 'USD', 4000000, 4000000, 2, "
            f"{START_MICROS + 5}, NULL, NULL, NULL, NULL, 9)",
            "INSERT INTO positions VALUES ('CATALOG', 12)",
            "UPDATE counters SET value = 9 WHERE name = 'revision'",
        ):
            connection.execute(text(statement))
    return database


def test_an_old_database_is_brought_up_without_loss(database_url: str, clock: Clock) -> None:
    old_database(database_url).close()
    shop = Shop(database_url, clock)
    assert shop.ledger("milk") == [(0.0, 3.0), (pytest.approx(0, abs=1e-9), 4.0)]
    assert shop.price("milk") == 4.0
    assert shop.store.position("CATALOG") == 0  # read once more, for brand, size and stock
    report = ledger.verify(shop.database)
    assert report.sound
    assert report.chain.head.sequence == 3
    clock.go(1)
    shop.policy(Policy(currency="USD", floor=units(5)))
    assert ledger.verify(shop.database, report.chain.head.hash).sound
    shop.close()


def test_migrations_make_the_tables_that_the_program_uses(shop: Shop) -> None:
    with shop.database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_a_newer_programs_database_is_refused(shop: Shop, database_url: str) -> None:
    do(shop.database, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(RuntimeError, match="newer program"):
        Database(database_url).create()


def test_the_command_tells_a_sound_ledger_from_one_that_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setenv("AISLE_HOME", str(tmp_path))
    run = CliRunner()
    assert run.invoke(app, ["price", "verify"]).exit_code == 1
    shop = Shop(sqlite_url(tmp_path / "pricing" / "pricing.db"), clock)
    three_prices(shop)
    sound = run.invoke(app, ["price", "verify", "--json"])
    assert (sound.exit_code, json.loads(sound.stdout)["entries"]) == (0, 3)
    do(shop.database, "UPDATE ledger SET price = 1 WHERE sequence = 2")
    broken = run.invoke(app, ["price", "verify"])
    assert broken.exit_code == 1
    assert "record 2 was changed" in broken.stdout
    shop.close()
