"""How far a view is behind is read from its own file, whoever wrote it."""

import sqlite3
from pathlib import Path

from services.cli import lag
from services.cli.settings import Config
from services.kit.log import CATALOG, EVENTS, Record
from services.kit.nats_log import NatsLog
from services.kit.views import Database


def test_each_view_by_its_file(tmp_path: Path) -> None:
    database = Database(tmp_path / "search" / "view.db", "CREATE TABLE IF NOT EXISTS t (a)", 1)
    with database.batch([Record(CATALOG, 7, "k", b"", None)]):  # type: ignore[arg-type]
        pass
    (tmp_path / "pricing").mkdir()
    with sqlite3.connect(tmp_path / "pricing" / "pricing.db") as connection:
        connection.execute("CREATE TABLE positions (stream TEXT, sequence INTEGER)")
        connection.execute("INSERT INTO positions VALUES ('EVENTS', 3)")
    (tmp_path / "vision").mkdir()
    (tmp_path / "vision" / "view.db").write_bytes(b"no database")
    assert lag.positions(tmp_path) == {
        "search": {CATALOG: 7}, "pricing": {CATALOG: 0, EVENTS: 3}, "vision": {CATALOG: 0},
    }  # fmt: skip
    config = Config(home=tmp_path)  # type: ignore[call-arg]
    assert lag.behind(config, {CATALOG: 10, EVENTS: 5}) == {"search": 3, "pricing": 12, "vision": 10}


async def test_the_ends_are_those_of_the_log(nats_url: str) -> None:
    log = NatsLog(nats_url)
    await log.start()
    ends = {stream: await log.end(stream) for stream in (CATALOG, EVENTS)}
    await log.close()
    assert await lag.ends(Config(nats_url=nats_url)) == ends  # type: ignore[call-arg]
