"""Triton against the same ONNX model in process: JPEG in, 16 pictures in flight, all processes' CPU counted.

    python -m tests.benchmarks.bench_vision_triton [--rounds 5] [--pictures 400] [--json]

Two processes decode and see pictures one by one; then the service's adapter asks a Triton of its own, which
serves the current model of AISLE_HOME. Both see the same photos, in turns, so that a busy machine slows both.
A model that does nothing tells the round trip apart; pictures that come again tell what remembering saves.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from string import Template

import psutil
import tritonclient.grpc as client
import uvloop

from services.kit.models import ModelStore
from services.kit.progress import Metric
from services.vision.adapters.remembering import Remembering
from services.vision.adapters.triton import Triton
from services.vision.config import Config
from services.vision.domain.image import pixels
from services.vision.triton.repository import NAME, TEMPLATES, Repository
from tests.triton import TritonProcess
from tests.vision.pictures import encoded, noise

IN_FLIGHT = 16
AGAIN = 20  # pictures that come again and again
WORKERS = 2
DATA = Path(os.environ.get("AISLE_BENCH_DATA", "../shared/data"))
NOOP = Path(__file__).with_name("triton_noop.py")


def photos() -> list[bytes]:
    """Photos of a phone where the data is, else noise of their size, which costs more to decode."""
    found = sorted((DATA / "vision" / "grocery-store" / "val").rglob("*.jpg"))[:200]
    return [path.read_bytes() for path in found] or [encoded(noise((348, 348)), quality=80)]


def fresh(images: Sequence[bytes]) -> Iterator[bytes]:
    """The pictures over and over, none twice for the cache: what follows a JPEG's end is not read."""
    number = 0
    while True:
        for image in images:
            number += 1
            yield image + number.to_bytes(4, "big")


def worker(pipe: Connection, model: str, images: Sequence[bytes]) -> None:
    """Sees as many pictures as it is told; answers with its CPU seconds and how long it took."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    turn = fresh(images)
    while (count := pipe.recv()) > 0:
        cpu, began = time.process_time(), time.perf_counter()
        for _ in range(count):
            session.run(None, {"pixels": pixels(next(turn))[None]})
        pipe.send((time.process_time() - cpu, time.perf_counter() - began))


class InProcess:
    """The model without a server: WORKERS processes, one thread each."""

    def __init__(self, model: Path, images: Sequence[bytes]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes = []
        for _ in range(WORKERS):
            mine, theirs = context.Pipe()
            context.Process(target=worker, args=(theirs, str(model), images), daemon=True).start()
            self._pipes.append(mine)

    def see(self, count: int) -> dict[str, float]:
        """CPU milliseconds a picture, pictures a second."""
        for pipe in self._pipes:
            pipe.send(count // WORKERS)
        told = [pipe.recv() for pipe in self._pipes]
        cpu, wall = sum(cpu for cpu, _ in told), max(wall for _, wall in told)
        return {"cpu_ms": 1000 * cpu / count, "per_second": count / wall}

    def close(self) -> None:
        """Ends them."""
        for pipe in self._pipes:
            pipe.send(0)


class Served:
    """A Triton of its own, asked by the service's adapter in this process."""

    def __init__(self, home: Path, process: TritonProcess) -> None:
        self._home, self._url = home, process.url
        self._mine, self._triton = psutil.Process(), psutil.Process(process.pid)

    def see(
        self,
        count: int,
        turn: Iterator[bytes],
        *,
        name: str = NAME,
        in_flight: int = IN_FLIGHT,
        remembered: int = 0,
    ) -> dict[str, float]:
        """CPU milliseconds a picture, of all and of each part; pictures a second."""
        return uvloop.run(self._see(count, turn, name, in_flight, remembered))

    async def _see(
        self, count: int, turn: Iterator[bytes], name: str, in_flight: int, remembered: int
    ) -> dict[str, float]:
        triton = Triton(self._url, Repository(self._home, name=name), seconds=60)
        if name == NAME:
            await triton.ping()  # learns how many pictures a request may hold
        eye = Remembering(triton, remembered) if remembered else triton
        for _ in range(AGAIN):
            await eye.see(next(turn))
        left = iter(range(count))

        async def ask() -> None:
            for _ in left:
                await eye.see(next(turn))

        before, began = self._cpu(name), time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(in_flight)))
        rate = count / (time.perf_counter() - began)
        parts = {part: 1000 * (cpu - before[part]) / count for part, cpu in self._cpu(name).items()}
        await triton.close()
        told = {f"{part}_cpu_ms": cpu for part, cpu in parts.items() if part}
        return {"cpu_ms": sum(parts.values()), **told, "per_second": rate}

    def _cpu(self, name: str) -> dict[str, float]:
        """CPU seconds of this process, of tritonserver, of its processes for a model; "" for all others."""
        found = {"client": _seconds(self._mine), "server": _seconds(self._triton), "": 0.0}
        models = {f"/{name}/": "model", f"/{name}_network/": "network"}
        for child in self._triton.children(recursive=True):
            line = " ".join(child.cmdline())
            part = next((part for folder, part in models.items() if folder in line), "")
            found[part] = found.get(part, 0.0) + _seconds(child)
        return found


def _seconds(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


def put_noop(home: Path, url: str) -> None:
    """Loads a model that answers at once, as large as the real one answers."""
    repository = Repository(home, name="noop")
    for folder in (repository.root / "noop" / "1", repository.root / "noop_network" / "1"):
        folder.mkdir(parents=True)
    config = (TEMPLATES / "pictures" / "configs" / "cpu.pbtxt").read_text()
    values = {"NAME": "noop", "INSTANCES": os.cpu_count() or 1}
    (repository.root / "noop" / "config.pbtxt").write_text(Template(config).substitute(values))
    shutil.copy(NOOP, repository.root / "noop" / "1" / "model.py")
    (repository.root / "noop_network" / "1" / "model.json").write_text("{}")
    (repository.root / "noop_network" / "1" / "labels.txt").touch()
    with client.InferenceServerClient(url) as triton:
        triton.load_model("noop")


def measured(home: Path, model: Path, pictures: int, rounds: int) -> dict[str, Metric]:
    """Medians over the rounds, the least and the most; each ratio is of one round."""
    images = photos()
    process, inside = TritonProcess(home, instances=0), InProcess(model, images)
    found: dict[str, list[float]] = {}

    def keep(name: str, told: dict[str, float]) -> dict[str, float]:
        for unit, value in told.items():
            found.setdefault(f"{name}_{unit}", []).append(value)
        return told

    try:
        asyncio.run(loaded(home, process.url))
        put_noop(home, process.url)
        served, turn, again = Served(home, process), fresh(images), cycle(images[:AGAIN])
        for _ in range(rounds + 1):
            before = keep("in_process", inside.see(pictures))
            triton = keep("triton", served.see(pictures, turn))
            after = keep("in_process", inside.see(pictures))
            keep("triton_alone", served.see(pictures // 8, turn, in_flight=1))
            keep("noop", served.see(2 * pictures, turn, name="noop"))
            keep("noop_alone", served.see(pictures // 2, turn, name="noop", in_flight=1))
            keep("again", served.see(2 * pictures, again, remembered=2**26))
            ratios = {unit: 2 * triton[unit] / (before[unit] + after[unit]) for unit in before}
            keep("ratio", ratios)
    finally:
        inside.close()
        process.stop()
    warm = {name: values[len(values) // (rounds + 1) :] for name, values in found.items()}
    return {
        name: Metric(value=median(values), low=min(values), high=max(values)) for name, values in warm.items()
    }


async def loaded(home: Path, url: str) -> None:
    """Has Triton serve the home's model."""
    triton = Triton(url, Repository(home), seconds=60)
    model = ModelStore(home, "vision").current()
    assert model is not None
    triton.take(model)
    await triton.close()


def main() -> None:
    """Prints a table, or one JSON object."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--pictures", type=int, default=400)
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    store = ModelStore(Config().home, "vision")  # type: ignore[call-arg]
    model = store.current()
    if model is None:
        raise SystemExit(f"no model in {store.root}: run `aisle train vision`")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(store.root, Path(folder) / "models" / "vision")
        figures = measured(Path(folder), model.path / "model.onnx", asked.pictures, asked.rounds)
    if asked.json:
        print(json.dumps({"metrics": figures}))
        return
    print(f"{'':26} {'median':>9} {'least':>9} {'most':>9}")
    for name, one in figures.items():
        print(f"{name:26} {one['value']:9.3f} {one['low']:9.3f} {one['high']:9.3f}")


if __name__ == "__main__":
    main()
