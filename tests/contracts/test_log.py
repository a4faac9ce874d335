"""What every log keeps: the suite that the one in memory and the one in NATS both pass."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.kit.errors import ServiceError
from services.kit.log import BATCH, CATALOG, EVENTS, LAST_KEPT, SLATES, Ack, Entry, Log, Record
from services.kit.memory_log import MemoryLog
from services.kit.nats_log import NatsLog
from services.kit.testing import nats_server, wait_until


@pytest.fixture(params=["memory", "nats"])
async def log(request: pytest.FixtureRequest) -> AsyncIterator[Log]:
    if request.param == "memory":
        made: Log = MemoryLog()
    else:
        url, prefix = (request.getfixturevalue(name) for name in ("nats_url", "nats_prefix"))
        made = NatsLog(url, prefix)
    await made.start()
    yield made
    await made.close()


def events(*keys: str) -> list[Entry]:
    return [Entry(EVENTS, key, f"payload of {key}".encode()) for key in keys]


async def take(log: Log, stream: str, count: int, after: int = 0) -> list[Record]:
    """The next `count` records; fails by the test's own timeout when they do not come."""
    taken: list[Record] = []
    async for batch in log.read(stream, after):
        assert 0 < len(batch) <= BATCH
        taken += batch
        if len(taken) >= count:
            return taken
    raise AssertionError("a log is read for ever")


async def test_reads_what_was_appended_in_order(log: Log) -> None:
    acks = await log.append(events("a", "b", "c"))
    records = await take(log, EVENTS, 3)
    assert [record.key for record in records] == ["a", "b", "c"]
    assert [record.payload for record in records] == [b"payload of a", b"payload of b", b"payload of c"]
    assert [record.sequence for record in records] == [ack.sequence for ack in acks if isinstance(ack, Ack)]
    assert await log.end(EVENTS) == records[-1].sequence


async def test_a_slate_is_kept_once(log: Log) -> None:
    await log.append([Entry(SLATES, "r1", b"first")])
    await log.append([Entry(SLATES, "r1", b"second"), Entry(SLATES, "r2", b"other")])
    assert [record.payload for record in await take(log, SLATES, 2)] == [b"first", b"other"]
    assert await log.end(EVENTS) == 0


async def test_an_event_is_kept_once(log: Log) -> None:
    await log.append(events("a"))
    again = await log.append([*events("b"), Entry(EVENTS, "a", b"another payload")])
    assert [ack.duplicate for ack in again if isinstance(ack, Ack)] == [False, True]
    records = await take(log, EVENTS, 2)
    assert [(record.key, record.payload) for record in records] == [
        ("a", b"payload of a"),
        ("b", b"payload of b"),
    ]


@pytest.mark.parametrize("stream", sorted(LAST_KEPT))
async def test_a_product_or_control_keeps_its_last_change(log: Log, stream: str) -> None:
    await log.append([Entry(stream, "milk", b"1"), Entry(stream, "tea", b"1"), Entry(stream, "milk", b"2")])
    records = await take(log, stream, 2)
    assert [(record.key, record.payload) for record in records] == [("tea", b"1"), ("milk", b"2")]


async def test_reads_on_from_a_position(log: Log) -> None:
    await log.append(events("a", "b", "c"))
    first = await take(log, EVENTS, 3)
    after = await take(log, EVENTS, 2, after=first[0].sequence)
    assert [record.key for record in after] == ["b", "c"]


async def test_a_reader_sees_what_comes_later(log: Log) -> None:
    reading = asyncio.create_task(take(log, EVENTS, 1))
    await asyncio.sleep(0)
    await log.append(events("late"))
    assert [record.key for record in await reading] == ["late"]


async def test_takes_any_text_as_a_key(log: Log) -> None:
    keys = ["a b", "a.b", "*", ">", "牛奶", "x" * 128, "/?=&"]
    await log.append(events(*keys))
    assert [record.key for record in await take(log, EVENTS, len(keys))] == keys


async def test_reads_more_than_one_batch(log: Log) -> None:
    keys = [str(number) for number in range(3 * BATCH)]
    assert all(isinstance(ack, Ack) for ack in await log.append(events(*keys)))
    assert [record.key for record in await take(log, EVENTS, len(keys))] == keys


async def test_an_empty_stream_ends_at_zero(log: Log) -> None:
    assert (await log.end(EVENTS), await log.end(CATALOG)) == (0, 0)


async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    with nats_server(tmp_path) as server:
        log = NatsLog(server.url)
        await log.start()
        await log.append(events(*map(str, range(100))))
        server.restart()
        assert len(await take(log, EVENTS, 100)) == 100
        assert [ack.duplicate for ack in await log.append(events("7")) if isinstance(ack, Ack)] == [True]
        await log.close()


async def test_a_reader_outlives_a_restarted_server(tmp_path: Path) -> None:
    with nats_server(tmp_path) as server:
        log = NatsLog(server.url)
        await log.start()
        await log.append(events("before"))
        seen: list[str] = []

        async def follow() -> None:
            async for batch in log.read(EVENTS, 0):
                seen.extend(record.key for record in batch)

        following = asyncio.create_task(follow())
        await wait_until(lambda: seen == ["before"])
        server.restart()

        async def written() -> bool:
            return isinstance((await log.append(events("after")))[0], Ack)

        await wait_until(written, timeout=20)
        await wait_until(lambda: seen == ["before", "after"], timeout=20)
        following.cancel()
        await log.close()


async def test_without_a_server_an_append_says_so(tmp_path: Path) -> None:
    with nats_server(tmp_path) as server:
        log = NatsLog(server.url)
        await log.start()
        server.kill()

        async def refused() -> bool:
            (result,) = await log.append(events("a"))
            return isinstance(result, ServiceError) and result.reason == "LOG_UNAVAILABLE"

        await wait_until(refused, timeout=20)
        with pytest.raises(ServiceError):
            await log.ping()
        await log.close()


async def test_a_full_log_says_so_and_keeps_what_it_has(tmp_path: Path) -> None:
    with nats_server(tmp_path, config="jetstream { max_file_store: 300KB }") as server:
        log = NatsLog(server.url)
        await log.start()
        results = await log.append([Entry(EVENTS, str(n), bytes(10_000)) for n in range(100)])
        kept = [result for result in results if isinstance(result, Ack)]
        reasons = {result.reason for result in results if isinstance(result, ServiceError)}
        assert reasons == {"LOG_FULL"}
        assert len(await take(log, EVENTS, len(kept))) == len(kept) > 0
        await log.close()


async def test_start_waits_for_the_server(tmp_path: Path) -> None:
    with nats_server(tmp_path) as server:
        server.kill()
        log = NatsLog(server.url)
        starting = asyncio.create_task(log.start())
        await asyncio.sleep(0)
        assert not starting.done()
        server.restart()
        await starting
        await log.ping()
        await log.close()
