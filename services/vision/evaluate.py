"""Measures the model on labelled pictures, through Triton as in service."""

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from services.kit.errors import ServiceError
from services.kit.progress import Metric, Progress, silent
from services.vision import matches
from services.vision.adapters.triton import Triton
from services.vision.config import Config
from services.vision.domain.image import ImageError, prepare
from services.vision.domain.seen import Seen
from services.vision.measures import area_under, calibration_error
from services.vision.photos import Photo, read
from services.vision.triton.repository import Repository

IN_FLIGHT: Final = 4
SECONDS: Final = 30.0
"""The longest wait for one picture; nobody waits for a page here."""

Pair = tuple[Seen, Photo]


async def evaluate(
    config: Config,
    *,
    progress: Progress = silent,
    images: Path | None = None,
    catalogue: Path | None = None,
    report: Path | None = None,
) -> dict[str, Any]:
    """Sees the pictures of a CSV file with the columns path (from the file's folder) and label.

    Shares have 95% Wilson intervals: `top1_accuracy` and `top5_accuracy` over pictures whose label the
    model knows; `coarse_accuracy` where the table has the column coarse; `neighbour_accuracy`, how often the
    nearest other picture has the same label; `known_kept` and `unknown_told`, how often pictures of known and
    of other labels are taken for what they are, and `unknown_auroc`. With `catalogue`, a table of the same
    kind with the catalogue's own pictures, `catalogue_recall1`: how often the nearest of those has the label.
    `report` is an HTML file of photos and the five pictures that are nearest to each.
    Triton need not have the model yet. Raises ValueError without pictures, or when Triton cannot see them.
    """
    if images is None:
        raise ValueError("--images FILE.csv is needed, with the columns path and label")
    photos = read(images)
    shelf = read(catalogue) if catalogue else []
    triton = Triton(config.triton, Repository(config.home), seconds=SECONDS)
    try:
        await triton.ping()
        began = time.perf_counter()
        found = await _see_all(triton, [photo.path for photo in photos], progress)
        seconds = time.perf_counter() - began
        shown = await _see_all(triton, [photo.path for photo in shelf], progress)
    except ServiceError as error:
        raise ValueError(f"{error.reason}: {error}") from error
    finally:
        await triton.close()
    pairs = [(seen, photo) for seen, photo in zip(found, photos, strict=True) if seen is not None]
    if len(pairs) < 2:
        raise ValueError("at least two pictures that can be read are needed")
    others = [(seen, photo) for seen, photo in zip(shown, shelf, strict=True) if seen is not None]
    metrics = {
        **_labelled(pairs, photos),
        **_unknown(pairs),
        **_nearest(pairs, others),
        "images_per_second": Metric(value=len(photos) / seconds, low=None, high=None),
    }
    if report is not None:
        await asyncio.to_thread(matches.write, report, pairs, others, metrics)
    return {
        "metrics": metrics,
        "model": pairs[0][0].model,
        "pictures": len(pairs),
        "unreadable": len(photos) - len(pairs),
        "named": sum(_known(pairs)),
        "by_class": _by_class(pairs),
    }


async def _see_all(triton: Triton, paths: Sequence[Path], progress: Progress) -> list[Seen | None]:
    turn, done = asyncio.Semaphore(IN_FLIGHT), 0

    async def see(path: Path) -> Seen | None:
        nonlocal done
        async with turn:
            try:
                return await triton.see(await asyncio.to_thread(lambda: prepare(path.read_bytes())))
            except (ImageError, OSError):
                return None
            finally:
                done += 1
                progress("pictures", done, len(paths))

    return list(await asyncio.gather(*map(see, paths)))


def _labelled(pairs: Sequence[Pair], photos: Sequence[Photo]) -> dict[str, Metric]:
    """Over the pictures whose label the model knows: whether that is the first it sees, or among five."""
    mine = [pair for pair, known in zip(pairs, _known(pairs), strict=True) if known]
    if not mine:
        return {}
    tops = [[_plain(label.name) for label in seen.top(5)] for seen, _ in mine]
    right = [top[0] == _plain(photo.label) for top, (_, photo) in zip(tops, mine, strict=True)]
    among = [_plain(photo.label) in top for top, (_, photo) in zip(tops, mine, strict=True)]
    first = np.array([float(seen.probabilities.max()) for seen, _ in mine])
    error = calibration_error(first, np.array(right, bool))
    metrics = {
        "top1_accuracy": share(right),
        "top5_accuracy": share(among),
        "calibration_error": Metric(value=error, low=None, high=None),
    }
    groups = {_plain(photo.label): photo.group for photo in photos if photo.group}
    if groups:
        kinds = [seen.kinds(1) for seen, _ in mine]  # as the model tells, where it learnt any
        told = [one[0].name if one else groups.get(top[0], "") for one, top in zip(kinds, tops, strict=True)]
        alike = [name == photo.group for name, (_, photo) in zip(told, mine, strict=True)]
        metrics["coarse_accuracy"] = share(alike)
    return metrics


def _unknown(pairs: Sequence[Pair]) -> dict[str, Metric]:
    """How well pictures of other labels than the model's are told apart; nothing where there are none."""
    known = np.array(_known(pairs))
    told = np.array([seen.unknown for seen, _ in pairs])
    metrics = {"known_kept": share((~told[known]).tolist())} if known.any() else {}
    if not known.all():
        metrics["unknown_told"] = share(told[~known].tolist())
    if known.any() and not known.all():
        first = np.array([float(seen.probabilities.max()) for seen, _ in pairs])
        metrics["unknown_auroc"] = Metric(value=area_under(first[known], first[~known]), low=None, high=None)
    return metrics


def _nearest(pairs: Sequence[Pair], shelf: Sequence[Pair]) -> dict[str, Metric]:
    embeddings, labels = _stacked(pairs)
    cosines = embeddings @ embeddings.T
    np.fill_diagonal(cosines, -2)
    near = [labels[i] == label for i, label in zip(cosines.argmax(axis=1), labels, strict=True)]
    metrics = {"neighbour_accuracy": share(near)}
    if shelf:
        theirs, names = _stacked(shelf)
        best = (embeddings @ theirs.T).argmax(axis=1)
        there = [(names[i] == label) for i, label in zip(best, labels, strict=True) if label in set(names)]
        metrics["catalogue_recall1"] = share(there)
    return metrics


def _stacked(pairs: Sequence[Pair]) -> tuple[npt.NDArray[np.float32], list[str]]:
    return np.stack([seen.embedding for seen, _ in pairs]), [photo.label for _, photo in pairs]


def _known(pairs: Sequence[Pair]) -> list[bool]:
    known = {_plain(name) for name in pairs[0][0].classes.names}
    return [_plain(photo.label) in known for _, photo in pairs]


def _by_class(pairs: Sequence[Pair]) -> Mapping[str, Mapping[str, int]]:
    """By label: how many pictures, and of how many it is the first that the model sees."""
    found: dict[str, dict[str, int]] = {}
    for seen, photo in pairs:
        mine = found.setdefault(photo.label, {"pictures": 0, "right": 0})
        mine["pictures"] += 1
        mine["right"] += _plain(seen.top(1)[0].name) == _plain(photo.label)
    return dict(sorted(found.items()))


def _plain(name: str) -> str:
    return " ".join(name.replace("-", " ").replace("_", " ").casefold().split())


def share(right: Sequence[bool]) -> Metric:
    """The share that is right, with Wilson's interval (1927); 0 with an interval of all for none."""
    n, z = len(right), 1.96
    if not n:
        return Metric(value=0.0, low=0.0, high=1.0)
    p = sum(right) / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Metric(value=p, low=middle - half, high=middle + half)
