"""What measures a GPU, run on a CPU: the load, the percentiles, the table, and all of it dry."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.benchmarks import bench_vision_gpu as bench
from tests.benchmarks.load import Load, at_rate, highest, in_flight
from tests.triton import TritonProcess
from tests.vision.pictures import publish


def test_a_percentile_is_a_latency_that_was_measured() -> None:
    load = Load(1.0, [0.004, 0.001, 0.003, 0.002])
    assert [load.percentile(percent) for percent in (1, 50, 75, 99)] == [0.001, 0.002, 0.003, 0.004]


async def test_callers_ask_again_once_they_are_answered() -> None:
    now, most = 0, 0

    async def ask() -> None:
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        await asyncio.sleep(0.001)
        now -= 1

    load = await in_flight(ask, 3, 0.05)
    assert most == 3
    assert len(load.seconds) >= 3
    assert min(load.seconds) >= 0.001


async def test_what_comes_at_a_rate_waits_for_no_answer_and_counts_from_when_it_was_due() -> None:
    answered = asyncio.Event()

    async def ask() -> None:
        waiting.append(None)
        if len(waiting) == 20:  # all have come, and none was answered
            answered.set()
        await answered.wait()

    waiting: list[None] = []
    load = await at_rate(ask, rate=2000, seconds=0.01)
    assert len(load.seconds) == 20
    assert max(load.seconds) - min(load.seconds) > 0.001  # the first has waited longest


def test_the_highest_rate_at_which_it_holds() -> None:
    assert highest(1000, lambda rate: rate <= 700, steps=8) == pytest.approx(700, abs=4)
    assert highest(1000, lambda rate: True) == 1000
    assert highest(1000, lambda rate: False) == 0


def test_a_section_takes_the_place_of_the_one_with_its_heading() -> None:
    page = "# Page\n\n## One\n\nold\n\n## Two\n\nkept\n"
    assert bench.placed(page, "## One\n\nnew\n") == "# Page\n\n## One\n\nnew\n\n## Two\n\nkept\n"
    assert bench.placed(page, "## Three\n\nnew\n") == page + "\n## Three\n\nnew\n"


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("AISLE_HOME", str(tmp_path))
    monkeypatch.setenv("AISLE_TRITON_SERVER", "")
    assert bench.main([]) is None
    told = capsys.readouterr().out
    assert told.startswith("skipped: ")
    assert "no trained model" in told
    assert "no Triton with the ONNX Runtime backend" in told


def test_a_dry_run_measures_a_cpu(
    triton: TritonProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    publish(tmp_path)
    for name, value in (("AISLE_HOME", str(tmp_path)), ("AISLE_TRITON_DEVICE", "cpu")):
        monkeypatch.setenv(name, value)
    dry = [
        "--device",
        "cpu",
        "--seconds",
        "0.05",
        "--batches",
        "1,4",
        "--clients",
        "1",
        "--p99",
        "1",
        "--json",
    ]
    bench.main(dry)
    rows = [bench.Row(**row) for row in json.loads(capsys.readouterr().out)["rows"]]
    assert [(row.what, row.batch) for row in rows] == [
        ("without Triton", 1),
        ("without Triton, kept on the device", 1),
        ("without Triton", 4),
        ("without Triton, kept on the device", 4),
        ("network in Triton", 1),
        ("network in Triton", 4),
        ("network in Triton, p99 at most 1000 ms", 1),
        ("pictures in Triton", 1),
        ("pictures in Triton, p99 at most 1000 ms", 1),
    ]
    assert all(row.per_second > 0 for row in rows)
    assert bench.table(rows).count("\n") == len(rows) + 1
