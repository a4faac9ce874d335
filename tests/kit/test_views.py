"""Views commit rows and position together, follow the log, and come back after kill -9 as they were."""

import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.kit.follower import Follower
from services.kit.log import CATALOG, EVENTS, Entry, Record
from services.kit.memory_log import MemoryLog
from services.kit.testing import wait_until
from services.kit.views import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS counts (key TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(key)
"""


class Counts:
    """A view that counts how often each key came."""

    def __init__(self, path: Path, version: int = 1) -> None:
        self.streams = [EVENTS]
        self.database = Database(path, SCHEMA, version)

    def position(self, stream: str) -> int:
        return self.database.position(stream)

    def apply(self, records: Sequence[Record]) -> None:
        with self.database.batch(records) as connection:
            for record in records:
                if record.payload == b"poison":
                    raise ValueError("poison")
                connection.execute(
                    "INSERT INTO counts VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET count = count + 1",
                    (record.payload.decode(),),
                )

    def clear(self) -> None:
        self.database.clear()

    def counts(self) -> dict[str, int]:
        with self.database.read() as connection:
            return dict(connection.execute("SELECT * FROM counts"))


def records(*payloads: str, after: int = 0) -> list[Record]:
    now = datetime.now(UTC)
    return [
        Record(EVENTS, after + n, str(after + n), payload.encode(), now)
        for n, payload in enumerate(payloads, 1)
    ]


def test_rows_and_position_commit_together(tmp_path: Path) -> None:
    view = Counts(tmp_path / "view.db")
    view.apply(records("milk", "tea", "milk"))
    assert (view.counts(), view.position(EVENTS), view.position(CATALOG)) == ({"milk": 2, "tea": 1}, 3, 0)


def test_a_failed_batch_leaves_nothing(tmp_path: Path) -> None:
    view = Counts(tmp_path / "view.db")
    view.apply(records("milk"))
    with pytest.raises(ValueError, match="poison"):
        view.apply(records("tea", "poison", after=1))
    assert (view.counts(), view.position(EVENTS)) == ({"milk": 1}, 1)


def test_another_schema_version_begins_anew(tmp_path: Path) -> None:
    Counts(tmp_path / "view.db").apply(records("milk"))
    view = Counts(tmp_path / "view.db", version=2)
    assert (view.counts(), view.position(EVENTS)) == ({}, 0)


def test_the_digest_is_of_the_content(tmp_path: Path) -> None:
    one, two = Counts(tmp_path / "one.db"), Counts(tmp_path / "two.db")
    one.apply(records("milk", "tea"))
    two.apply(records("milk"))
    assert one.database.digest() != two.database.digest()
    two.apply(records("tea", after=1))
    assert one.database.digest() == two.database.digest()


async def test_a_follower_catches_up_and_follows(tmp_path: Path) -> None:
    log, view = MemoryLog(), Counts(tmp_path / "view.db")
    await log.append([Entry(EVENTS, str(n), b"milk") for n in range(1200)])
    follower = Follower(log, view)
    await follower.start()
    assert view.counts() == {"milk": 1200}
    await log.append([Entry(EVENTS, "new", b"tea")])
    await follower.wait_for(EVENTS, 1201)
    assert view.counts() == {"milk": 1200, "tea": 1}
    assert follower.lag() == {EVENTS: 0}
    await follower.close()


async def test_a_follower_that_failed_says_so(tmp_path: Path) -> None:
    log, view = MemoryLog(), Counts(tmp_path / "view.db")
    follower = Follower(log, view)
    await follower.start()
    await follower.ping()
    await log.append([Entry(EVENTS, "1", b"poison")])

    async def failed() -> bool:
        try:
            await follower.ping()
        except RuntimeError:
            return True
        return False

    await wait_until(failed)
    await follower.close()


async def test_a_log_that_was_replaced_is_read_from_its_start(tmp_path: Path) -> None:
    view = Counts(tmp_path / "view.db")
    view.apply(records("milk", "milk"))
    log = MemoryLog()
    await log.append([Entry(EVENTS, "1", b"tea")])
    follower = Follower(log, view)
    await follower.start()
    assert view.counts() == {"tea": 1}
    await follower.close()


def test_comes_back_after_kill_9_as_an_undisturbed_view(tmp_path: Path) -> None:
    dice = random.Random(7)
    payloads = [dice.choice(["milk", "tea", "oats"]) for _ in range(3000)]
    whole = Counts(tmp_path / "whole.db")
    whole.apply(records(*payloads))
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.kit.test_views import *
view = Counts(Path({str(tmp_path / "killed.db")!r}))
payloads = {payloads!r}
while (at := view.position(EVENTS)) < len(payloads):
    view.apply(records(*payloads[at:at + 7], after=at))
    print(at, flush=True)
"""
    kills = 0
    while True:
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(dice.randrange(1, 120)):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        if Counts(tmp_path / "killed.db").position(EVENTS) == len(payloads):
            break
    assert kills >= 3
    assert Counts(tmp_path / "killed.db").database.digest() == whole.database.digest()
