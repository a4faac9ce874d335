"""Measures the model on labelled pictures, through Triton as in service: labels and neighbours."""

import asyncio
import csv
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from services.kit.progress import Metric, Progress, silent
from services.vision.adapters.triton import Triton
from services.vision.config import Config
from services.vision.domain.image import ImageError, prepare
from services.vision.domain.seen import Seen
from services.vision.triton.repository import Repository

IN_FLIGHT: Final = 4
SECONDS: Final = 30.0
"""The longest wait for one picture; nobody waits for a page here."""


async def evaluate(
    config: Config, *, progress: Progress = silent, images: Path | None = None, **_: Any
) -> dict[str, Any]:
    """Sees the pictures of a CSV file with the columns path (from the file's folder) and label.

    Metrics, with 95% Wilson intervals: `neighbour_accuracy`, how often the nearest other picture has the
    same label; `top1_accuracy`, how often the first label is the right one, over the pictures whose label
    the model knows by name; `images_per_second`. Raises ValueError without pictures.
    """
    if images is None:
        raise ValueError("--images FILE.csv is needed, with the columns path and label")
    with images.open(newline="", encoding="utf-8") as file:
        rows = [(images.parent / row["path"].strip(), row["label"].strip()) for row in csv.DictReader(file)]
    triton = Triton(config.triton, Repository(config.home), seconds=SECONDS)
    began = time.perf_counter()
    try:
        found = await _see_all(triton, [path for path, _ in rows], progress)
    finally:
        await triton.close()
    seconds = time.perf_counter() - began
    pairs = [(seen, label) for seen, (_, label) in zip(found, rows, strict=True) if seen is not None]
    if len(pairs) < 2:
        raise ValueError("at least two pictures that can be read are needed")
    metrics = {
        "neighbour_accuracy": _share(_neighbours([seen for seen, _ in pairs], [label for _, label in pairs])),
        "images_per_second": Metric(value=len(rows) / seconds, low=None, high=None),
    }
    named = _named(pairs)
    if named:
        metrics["top1_accuracy"] = _share(named)
    return {
        "metrics": metrics,
        "model": pairs[0][0].model,
        "pictures": len(pairs),
        "unreadable": len(rows) - len(pairs),
        "named": len(named),
    }


async def _see_all(triton: Triton, paths: Sequence[Path], progress: Progress) -> list[Seen | None]:
    turn, done = asyncio.Semaphore(IN_FLIGHT), 0

    async def see(path: Path) -> Seen | None:
        nonlocal done
        async with turn:
            try:
                return await triton.see(await asyncio.to_thread(lambda: prepare(path.read_bytes())))
            except ImageError:
                return None
            finally:
                done += 1
                progress("pictures", done, len(paths))

    return list(await asyncio.gather(*map(see, paths)))


def _neighbours(found: Sequence[Seen], labels: Sequence[str]) -> list[bool]:
    embeddings = np.stack([seen.embedding for seen in found])
    cosines = embeddings @ embeddings.T
    np.fill_diagonal(cosines, -2)
    return [labels[i] == label for i, label in zip(cosines.argmax(axis=1), labels, strict=True)]


def _named(pairs: Sequence[tuple[Seen, str]]) -> list[bool]:
    """For each picture whose label the model knows: whether that is the first it sees."""
    known = {_plain(name) for name in pairs[0][0].names}
    return [_plain(seen.top(1)[0].name) == _plain(label) for seen, label in pairs if _plain(label) in known]


def _plain(name: str) -> str:
    return " ".join(name.replace("-", " ").replace("_", " ").casefold().split())


def _share(right: Sequence[bool]) -> Metric:
    """The share that is right, with Wilson's interval (1927)."""
    n, z = len(right), 1.96
    p = sum(right) / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Metric(value=p, low=middle - half, high=middle + half)
