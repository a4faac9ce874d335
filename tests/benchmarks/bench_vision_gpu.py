"""Triton on a GPU against what the same card does without it: images a second offline, and at p99 <= 15 ms.

    AISLE_TRITON_SERVER=/opt/tritonserver python -m tests.benchmarks.bench_vision_gpu [--docs PAGE.md]
    python -m tests.benchmarks.bench_vision_gpu --device cpu --seconds 1     (a dry run, anywhere)

It needs an NVIDIA GPU, a Triton with the ONNX Runtime backend, onnxruntime-gpu, and a trained model in
AISLE_HOME; it says which of them is missing, and is then skipped. The card's ceiling is the same ONNX file in
ONNX Runtime with TensorRT in fp16, one process, no server. Triton is asked for the network (pixels by shared
memory, so that the load is not what is measured) and for pictures (JPEG by gRPC, decoded by the CPU). Offline
keeps enough in flight; the rest comes at Poisson times, a picture a request, and counts from when it was due.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

from services.kit.models import ModelStore
from services.vision.adapters.triton import Triton
from services.vision.config import Config
from services.vision.triton.repository import NAME, Repository
from tests.benchmarks.engine import ceiling, opened
from tests.benchmarks.load import Load, at_rate, highest, in_flight
from tests.benchmarks.tensors import Pictures, Pixels
from tests.triton import TritonProcess

P99: Final = 0.015
BATCHES: Final = (1, 8, 16, 32, 64)
START_SECONDS: Final = 900
"""TensorRT builds its engines at the first load."""

HEADING: Final = "## Image recognition on a GPU"


class Asked(NamedTuple):
    """What a process of the load is to do."""

    url: str
    model: str
    batch: int
    in_flight: int
    rate: float
    seconds: float
    seed: int


class Row(NamedTuple):
    """A line of the table; `share` is of the ceiling, None where it has none."""

    what: str
    batch: int
    per_second: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    share: float | None = None


def missing(device: str, home: Path) -> list[str]:
    """What this machine lacks to measure a device; empty when nothing."""
    lacks = []
    if ModelStore(home, "vision").current() is None:
        lacks.append("no trained model in AISLE_HOME: run `aisle train vision`")
    if device == "cpu":
        return lacks
    if not name_of("gpu"):
        lacks.append("no NVIDIA GPU: nvidia-smi is not there or shows none")
    server = os.environ.get("AISLE_TRITON_SERVER", "")
    if not server or not (Path(server) / "backends" / "onnxruntime").is_dir():
        lacks.append(
            "no Triton with the ONNX Runtime backend: set AISLE_TRITON_SERVER, in NVIDIA's container"
        )
    import onnxruntime

    if "TensorrtExecutionProvider" not in onnxruntime.get_available_providers():
        lacks.append("ONNX Runtime has no TensorRT: install onnxruntime-gpu in place of onnxruntime")
    return lacks


def name_of(device: str) -> str:
    """The device's own name; empty when there is none."""
    if device == "cpu":
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        return f"{found[1] if found else 'CPU'}, {os.cpu_count()} cores"
    try:
        query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
        lines = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return ""
    return lines[0].replace(", ", ", driver ") if lines else ""


def work(asked: Asked) -> Load:
    """One process of the load."""
    return asyncio.run(_work(asked))


async def _work(asked: Asked) -> Load:
    make = Pixels if asked.model.endswith("_network") else Pictures
    async with make(asked.url, asked.model, asked.batch, asked.seed) as tensors:
        await tensors.ask()
        if asked.rate:
            return await at_rate(tensors.ask, asked.rate, asked.seconds, asked.seed)
        return await in_flight(tensors.ask, asked.in_flight, asked.seconds)


class Loader:
    """Several processes that load one Triton together, since one of Python asks some 3,000 times a second."""

    def __init__(self, url: str, processes: int, seconds: float) -> None:
        self._url, self._processes, self._seconds = url, processes, seconds
        self._pool = multiprocessing.get_context("spawn").Pool(processes)

    def offline(self, model: str, batch: int, many: int) -> Load:
        """As many a second as there can be, with `many` requests of a batch in flight; answers are images."""
        share = max(1, many // self._processes)
        return self._all(model, batch, share, 0.0)

    def at(self, model: str, rate: float) -> Load:
        """Single pictures at a rate."""
        return self._all(model, 1, 0, rate / self._processes)

    def _all(self, model: str, batch: int, share: int, rate: float) -> Load:
        parts = [
            Asked(self._url, model, batch, share, rate, self._seconds, seed)
            for seed in range(self._processes)
        ]
        found = self._pool.map(work, parts)
        took = [second for part in found for second in part.seconds]
        return Load(batch * sum(part.per_second for part in found), took)

    def close(self) -> None:
        """Ends them."""
        self._pool.terminate()


def measured(loader: Loader, model: Path, device: str, options: argparse.Namespace) -> list[Row]:
    """All rows: the ceiling, the network in Triton, pictures in Triton."""
    rows, best = [], 0.0
    session = opened(model / "model.onnx", device, Config().home / "triton" / "engines")  # type: ignore[call-arg]
    for batch in options.batches:
        found = ceiling(session, batch, options.seconds, device)
        best = max(best, found["copied"])
        rows.append(Row("without Triton", batch, found["copied"]))
        rows.append(Row("without Triton, kept on the device", batch, found["kept"]))
    del session
    for model_name, what in ((f"{NAME}_network", "network"), (NAME, "pictures")):
        top = 0.0
        for batch in options.batches if model_name != NAME else (1,):
            load = loader.offline(model_name, batch, max(4 * 64 // batch, 4) if device == "gpu" else 4)
            top = max(top, load.per_second)
            rows.append(_row(f"{what} in Triton", batch, load, best))
        kept = [Load(0.0, ())]

        def holds(rate: float, name: str = model_name, kept: list[Load] = kept) -> bool:
            load = loader.at(name, rate)
            fine = load.percentile(99) <= options.p99
            if fine:
                kept[0] = load
            return fine

        highest(top, holds)
        rows.append(_row(f"{what} in Triton, p99 at most {options.p99 * 1000:g} ms", 1, kept[0], best))
    return rows


def _row(what: str, batch: int, load: Load, best: float) -> Row:
    p50, p99 = (1000 * load.percentile(percent) for percent in (50, 99))
    return Row(what, batch, load.per_second, p50, p99, load.per_second / best if best else None)


def table(rows: Sequence[Row]) -> str:
    """In Markdown."""
    lines = ["| | pictures a request | pictures a second | p50 ms | p99 ms | of the best without Triton |"]
    lines.append("|---|---|---|---|---|---|")
    for row in rows:
        numbers = [f"{row.per_second:,.0f}"]
        for value, form in ((row.p50_ms, ".1f"), (row.p99_ms, ".1f"), (row.share, ".2f")):
            numbers.append("" if value is None or value != value else format(value, form))
        lines.append(f"| {row.what} | {row.batch} | {' | '.join(numbers)} |")
    return "\n".join(lines)


def placed(text: str, section: str) -> str:
    """A page with the section in the place of the one that has its heading, or at the end."""
    heading = section.partition("\n")[0]
    parts = re.split(r"(?m)^(?=## )", text.rstrip("\n") + "\n")
    fresh = section.rstrip("\n") + "\n"
    if not any(part.startswith(heading + "\n") for part in parts):
        return text.rstrip("\n") + "\n\n" + fresh
    kept = [fresh + "\n" if part.startswith(heading + "\n") else part for part in parts]
    return "".join(kept).rstrip("\n") + "\n"


def run(options: argparse.Namespace, home: Path) -> list[Row]:
    """Starts a Triton of its own with the home's model, and measures."""
    model = ModelStore(home, "vision").current()
    assert model is not None
    os.environ["AISLE_TRITON_DEVICE"] = options.device
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shutil.copytree(ModelStore(home, "vision").root, folder / "models" / "vision")
        process = TritonProcess(folder, instances=0, seconds=START_SECONDS)
        stack.callback(process.stop)
        triton = Triton(process.url, Repository(folder), seconds=60)
        triton.take(model)
        asyncio.run(triton.close())
        loader = Loader(process.url, options.clients, options.seconds)
        stack.callback(loader.close)
        return measured(loader, model.path, options.device, options)


def main(arguments: Sequence[str] | None = None) -> Mapping[str, Any] | None:
    """Prints a table, or one JSON object; None when it is skipped."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each figure")
    parser.add_argument("--batches", type=lambda text: [*map(int, text.split(","))], default=list(BATCHES))
    parser.add_argument("--clients", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    parser.add_argument("--p99", type=float, default=P99, help="in seconds")
    parser.add_argument("--docs", type=Path, help="a page in which the section of figures is replaced")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if options.docs is not None and options.device == "cpu":
        parser.error("a dry run goes into no docs")
    home = Config().home  # type: ignore[call-arg]
    if lacks := missing(options.device, home):
        print("skipped:", "; ".join(lacks))
        return None
    rows, name = run(options, home), name_of(options.device)
    section = f"{HEADING}\n\n`python -m tests.benchmarks.bench_vision_gpu`, {name}:\n\n{table(rows)}\n"
    if options.docs is not None:
        options.docs.write_text(placed(options.docs.read_text(), section))
    told = {"device": name, "rows": [row._asdict() for row in rows]}
    print(json.dumps(told) if options.json else section)
    return told


if __name__ == "__main__":
    main()
