"""`aisle import` over a real channel: all rows once, whatever breaks off in the middle."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.cli import importing
from services.cli.checkpoint import Checkpoint
from services.cli.formats import rows
from services.kit.channels import connect
from services.kit.testing import wait_until
from tests.cli.gateway import Shop, serving

COUNT = 3_000


def write_events(folder: Path, count: int = COUNT) -> Path:
    path = folder / "events.jsonl"
    with path.open("w") as file:
        for number in range(count):
            event = {"type": "PRODUCT_VIEWED", "event_time": 1_700_000_000 + number, "visitor_id": "v"}
            file.write(json.dumps({**event, "product_details": [{"product_id": f"p{number}"}]}) + "\n")
    return path


async def run(path: Path, kind: str, target: str, **options: Any) -> Checkpoint:
    checkpoint = Checkpoint.load(path.parent / "run", path, kind, target)
    async with connect(target) as channel:
        made = importing.Products(channel) if kind == "products" else importing.Events(channel)
        return await importing.run(path, kind, made, checkpoint, **{"retry_seconds": 5.0, **options})


async def command(*words: object, home: Path) -> tuple[int, dict[str, Any]]:
    """The command as a process of its own, with --json."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services", *map(str, words), "--json",
        env={**os.environ, "AISLE_HOME": str(home)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    assert out.count(b"\n") == 1, (out, err)
    return process.returncode, json.loads(out)


async def test_all_rows_go_in_and_again_nothing_doubles(tmp_path: Path) -> None:
    shop, path = Shop(), write_events(tmp_path)
    async with serving(shop) as server:
        first = await run(path, "events", server.target)
        again = await run(path, "events", server.target)
    assert (first.written, first.duplicates, first.rejected) == (COUNT, 0, 0)
    assert (again.written, again.duplicates) == (0, COUNT)
    assert len(shop.events) == COUNT


async def test_the_command_tells_bad_rows_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "products.jsonl"
    lines = [
        b'{"id": "a", "title": "Apple", "price": 1.5, "currency": "USD"}',
        b'{"id": "b", "title": "\xff"}',
        b"nonsense",
        b'{"id": "d", "title": "Debt", "price": -1, "currency": "USD"}',
        b'{"id": "e", "title": "Egg"}',
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
    shop = Shop()
    async with serving(shop) as server:
        words = ("import", "products", path, "--gateway", server.target)
        code, report = await command(*words, home=tmp_path)
        _, again = await command(*words, home=tmp_path)
    assert code == 2
    assert report["files"][0]["written"] == 2
    assert report["files"][0]["reasons"] == {"INVALID_VALUE": 3}
    assert again == report
    assert set(shop.products) == {"a", "e"}
    told = path.with_name("products.jsonl.rejects.jsonl")
    assert report["files"][0]["rejects_file"] == str(told)
    rejects = [json.loads(line) for line in told.read_text().splitlines()]
    assert [reject["line"] for reject in rejects] == [2, 3, 4]
    assert rejects[2]["field"] == "price.amount_micros"


async def test_a_gateway_that_comes_back_is_waited_for(tmp_path: Path) -> None:
    shop, path = Shop(), write_events(tmp_path)
    shop.fail_calls = set(range(2, 12))
    async with serving(shop) as server:
        done = await run(path, "events", server.target)
    assert done.written + done.duplicates == COUNT
    assert len(shop.events) == COUNT


async def test_a_gateway_that_stays_away_stops_the_import_and_the_next_run_continues(tmp_path: Path) -> None:
    shop, path = Shop(), write_events(tmp_path)
    shop.calls_until_gone = 2
    async with serving(shop) as server:
        with pytest.raises(importing.ImportStoppedError, match="doctor"):
            await run(path, "events", server.target, retry_seconds=0.3, in_flight=1)
        kept = Checkpoint.load(tmp_path / "run", path, "events", server.target)
        assert kept.line == 2 * importing.BATCH_ITEMS
        shop.calls_until_gone = 0
        before = shop.calls
        done = await run(path, "events", server.target)
    assert (
        shop.calls - before == 1 + (COUNT - kept.line) // importing.BATCH_ITEMS
    )  # one to see that it is the same log
    assert (done.written, done.duplicates, len(shop.events)) == (COUNT, 0, COUNT)


async def test_another_log_is_filled_from_the_first_row(tmp_path: Path) -> None:
    shop, path = Shop(), write_events(tmp_path)
    shop.calls_until_gone = 2
    async with serving(shop) as server:
        with pytest.raises(importing.ImportStoppedError):
            await run(path, "events", server.target, retry_seconds=0.3, in_flight=1)
        shop.calls_until_gone = 0
        shop.events.clear()
        await run(path, "events", server.target)
    assert len(shop.events) == COUNT


@pytest.mark.parametrize("calls", [1, 3])
async def test_killed_in_the_middle_and_run_again_nothing_is_lost_or_doubled(
    tmp_path: Path, calls: int
) -> None:
    shop, path = Shop(), write_events(tmp_path)
    path.write_text("broken\n" + path.read_text())
    async with serving(shop) as server:
        shop.calls_until_gone = calls  # so that it is surely in the middle when it is killed
        words = ["import", "events", str(path), "--gateway", server.target]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services", *words, env={**os.environ, "AISLE_HOME": str(tmp_path)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        await wait_until(lambda: shop.calls > calls + 1, timeout=30)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        shop.calls_until_gone = 0
        code, report = await command(*words, home=tmp_path)
    assert code == 2
    assert len(shop.events) == COUNT
    assert report["files"][0]["rejected"] == 1
    assert len((tmp_path / "events.jsonl.rejects.jsonl").read_text().splitlines()) == 1


async def test_nobody_answers(tmp_path: Path) -> None:
    path = write_events(tmp_path, 1)
    with pytest.raises(importing.ImportStoppedError, match="aisle up"):
        await run(path, "events", "127.0.0.1:1", retry_seconds=0.1)


async def test_the_examples_go_in(tmp_path: Path) -> None:
    shop, examples = Shop(), Path(__file__).parents[2] / "examples"
    async with serving(shop) as server:
        for kind in ("products", "events"):
            path = tmp_path / f"{kind}.jsonl"
            path.write_bytes((examples / path.name).read_bytes())
            done = await run(path, kind, server.target)
            assert (done.written, done.rejected) == (len(list(rows(path))), 0)
    assert len(shop.products) == 12


def test_a_damaged_checkpoint_is_forgotten(tmp_path: Path) -> None:
    path = write_events(tmp_path, 1)
    checkpoint = Checkpoint.load(tmp_path, path, "events", "here")
    checkpoint.advance(1, 1, 0, {}, 0, b"probe")
    assert Checkpoint.load(tmp_path, path, "events", "here").line == 1
    assert Checkpoint.load(tmp_path, path, "events", "elsewhere").line == 0
    checkpoint.path.write_text(checkpoint.path.read_text()[:20])
    assert Checkpoint.load(tmp_path, path, "events", "here").line == 0
