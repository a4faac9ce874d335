"""A service goes on from its view while the log is away, and is not ready with a view that never was."""

from pathlib import Path

import pytest

from services.kit.errors import ServiceError
from services.kit.following import Following
from services.kit.log import EVENTS, Entry
from services.kit.memory_log import MemoryLog
from services.kit.nats_log import NatsLog
from services.kit.testing import nats_server, wait_until
from tests.kit.test_views import Counts, records


async def unwell(following: Following) -> bool:
    try:
        await following.ping()
    except ServiceError as error:
        return error.reason == "LOG_UNAVAILABLE"
    return False


async def test_a_start_catches_up(tmp_path: Path) -> None:
    log, view = MemoryLog(), Counts(tmp_path / "view.db")
    await log.append([Entry(EVENTS, "1", b"milk")])
    following = Following(log, view)
    assert not following.optional
    await following.start()
    await following.ping()
    assert (view.counts(), following.optional) == ({"milk": 1}, True)
    await following.close()


async def test_with_the_log_away_at_start_an_old_view_serves_and_then_catches_up(tmp_path: Path) -> None:
    with nats_server(tmp_path / "nats") as server:
        log = NatsLog(server.url)
        await log.start()
        await log.append([Entry(EVENTS, "1", b"milk"), Entry(EVENTS, "2", b"tea")])
        await log.close()
        server.kill()
        view = Counts(tmp_path / "view.db")
        view.apply(records("milk"))
        following = Following(NatsLog(server.url), view, patience=0.1)
        await following.start()
        assert following.optional
        assert await unwell(following)
        server.restart()
        await wait_until(lambda: view.counts() == {"milk": 1, "tea": 1}, timeout=20)
        await wait_until(lambda: not_unwell(following), timeout=20)
        await following.close()


async def not_unwell(following: Following) -> bool:
    return not await unwell(following)


async def test_an_empty_view_does_not_serve_without_the_log(tmp_path: Path) -> None:
    with nats_server(tmp_path / "nats") as server:
        server.kill()
        following = Following(NatsLog(server.url), Counts(tmp_path / "view.db"), patience=0.1)
        await following.start()
        assert not following.optional
        assert await unwell(following)
        await following.close()


async def test_with_the_log_away_later_the_view_goes_on_serving(tmp_path: Path) -> None:
    with nats_server(tmp_path / "nats") as server:
        following = Following(NatsLog(server.url), Counts(tmp_path / "view.db"))
        await following.start()
        server.kill()
        await wait_until(lambda: unwell(following), timeout=20)
        assert following.optional
        await following.close()


async def test_a_view_that_stopped_following_is_not_served(tmp_path: Path) -> None:
    log, view = MemoryLog(), Counts(tmp_path / "view.db")
    following = Following(log, view)
    await following.start()
    await log.append([Entry(EVENTS, "1", b"poison")])
    await wait_until(lambda: not following.optional)
    with pytest.raises(RuntimeError, match="stopped following"):
        await following.ping()
    await following.close()
