"""Vectors of texts from Triton against ONNX Runtime in process: all processes' CPU counted, in turns.

    python -m tests.benchmarks.bench_search_triton [--rounds 5] [--texts 400] [--json]

The current model of AISLE_HOME encodes shoppers' queries, one at a time and from several threads, and texts
of products, in this process and in a Triton of its own; a busy machine slows both alike.
"""

import argparse
import asyncio
import csv
import gzip
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import psutil

from services.kit.models import ModelStore
from services.search.adapters.triton_encoder import TritonEncoder
from services.search.adapters.triton_texts import TritonTexts
from services.search.config import Config
from services.search.domain.ports import Encoder
from services.search.server import encoder_of
from services.search.triton.repository import Repository
from tests.triton import TritonProcess

DATA = Path(os.environ.get("AISLE_BENCH_DATA", "../shared/data")) / "search"
AT_ONCE = 8


def queries(count: int) -> list[str]:
    """Queries of the judged shop where the data is, else made ones."""
    file = DATA / "electronics-judgements-dev.csv"
    if not file.exists():
        return [f"oat milk {number} l" for number in range(count)]
    with file.open() as lines:
        known = sorted({row["query"] for row in csv.DictReader(lines)})
    return list(islice(cycle(known), count))


def products(count: int) -> list[str]:
    """Titles and descriptions, as they are embedded."""
    file = DATA / "electronics-products.jsonl.gz"
    if not file.exists():
        return [
            f"Oat milk {number} l. A drink made from oats and water, for coffee." for number in range(count)
        ]
    with gzip.open(file, "rt") as lines:
        rows = map(json.loads, islice(lines, count))
        return [f"{row['title']}. {row.get('description') or ''}" for row in rows]


def one_by_one(encoder: Encoder, texts: Sequence[str]) -> None:
    """As one shopper after the other searches."""
    for text in texts:
        encoder.encode([text])


def at_once(encoder: Encoder, texts: Sequence[str]) -> None:
    """As AT_ONCE shoppers search at a time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda text: encoder.encode([text]), texts))


def together(encoder: Encoder, texts: Sequence[str]) -> None:
    """As products are embedded."""
    encoder.encode(texts)


class Measured:
    """CPU of this process and of Triton's, by a text."""

    def __init__(self, pid: int) -> None:
        self._mine, self._triton = psutil.Process(), psutil.Process(pid)

    def __call__(self, run: Callable[[], None], texts: int) -> dict[str, float]:
        """CPU milliseconds a text, of all and of each part; texts a second."""
        before, began = self._cpu(), time.perf_counter()
        run()
        rate = texts / (time.perf_counter() - began)
        parts = {part: 1_000 * (cpu - before[part]) / texts for part, cpu in self._cpu().items()}
        return {"cpu_ms": sum(parts.values()), **parts, "per_second": rate}

    def _cpu(self) -> dict[str, float]:
        children = self._triton.children(recursive=True)
        return {
            "client_ms": _seconds(self._mine),
            "server_ms": _seconds(self._triton),
            "model_ms": sum(map(_seconds, children)),
        }


def _seconds(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


def measured(home: Path, texts: int, rounds: int) -> dict[str, float]:
    """Medians over the rounds after the first; each ratio is of one round."""
    model = ModelStore(home, "search").current()
    assert model is not None
    process = TritonProcess(home, instances=0)
    asked = TritonTexts(process.url, Repository(home), seconds=60)
    found: dict[str, list[float]] = {}
    try:
        here, there = encoder_of(model), TritonEncoder(model, asked)
        measure = Measured(process.pid)
        for _ in range(rounds + 1):
            for run, some in (
                (one_by_one, queries(texts)),
                (at_once, queries(texts)),
                (together, products(texts)),
            ):
                before = measure(lambda run=run, some=some: run(here, some), texts)  # type: ignore[misc]
                triton = measure(lambda run=run, some=some: run(there, some), texts)  # type: ignore[misc]
                for place, told in (("in_process", before), ("triton", triton)):
                    for unit, value in told.items():
                        found.setdefault(f"{run.__name__}_{place}_{unit}", []).append(value)
                ratio = triton["cpu_ms"] / before["cpu_ms"]
                found.setdefault(f"{run.__name__}_cpu_ratio", []).append(ratio)
    finally:
        asyncio.run(asked.close())
        process.stop()
    return {name: median(values[1:]) for name, values in found.items()}


def main() -> None:
    """Prints a table, or one JSON object."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--texts", type=int, default=400)
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    store = ModelStore(Config().home, "search")  # type: ignore[call-arg]
    if store.current() is None:
        raise SystemExit(f"no model in {store.root}: run `aisle train search`")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(store.root, Path(folder) / "models" / "search")
        figures = measured(Path(folder), asked.texts, asked.rounds)
    if asked.json:
        metrics = {name: {"value": value, "low": None, "high": None} for name, value in figures.items()}
        print(json.dumps({"metrics": metrics}))
        return
    for name, value in figures.items():
        print(f"{name:34} {value:9.3f}")


if __name__ == "__main__":
    main()
