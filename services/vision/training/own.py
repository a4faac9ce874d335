"""A shop's own classes, from a table of photos to a model folder: see docs/vision.md for the steps."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from services.kit.checkpoints import Checkpoint
from services.kit.models import Model
from services.kit.progress import Metric, Progress
from services.vision import photos
from services.vision.domain.image import SIDE, ImageError
from services.vision.measures import calibration_error
from services.vision.network import published
from services.vision.photos import Photo
from services.vision.training import features, int8, parts, publish, report
from services.vision.training.export import compare, write
from services.vision.training.finish import Confidence
from services.vision.training.joined import joined
from services.vision.training.ridge import closed_form
from services.vision.training.tuning import tuned
from services.vision.variants import VARIANTS

LEAST_CLASSES: Final = 2
HEADS: Final = ("best", "ridge", "tuned", "both")
PRECISIONS: Final = ("fp32", "int8")


class Wanted(NamedTuple):
    """What `aisle train vision` was asked for."""

    images: Path
    validation: Path | None = None
    report: Path | None = None
    backbone: str = "lite0"
    head: str = "best"
    precision: str = "fp32"


class Made(NamedTuple):
    """What was trained: the metrics, where it came from, and whether it is no worse than what serves."""

    metrics: dict[str, Metric]
    span: dict[str, str]
    worse: bool


def make(folder: Path, wanted: Wanted, cache: Path, serving: Model | None, progress: Progress) -> Made:
    """Fills `folder`. Raises ValueError for a table that cannot be learnt from, and OSError.

    Photos that cannot be read are listed in rejects.txt beside the network; `cache` holds what a training
    that was cut short goes on from.
    """
    begun = time.process_time()
    teach, choose = _parts(wanted)
    names = photos.classes(teach)
    if len(names) < LEAST_CLASSES:
        raise ValueError(f"{wanted.images}: at least {LEAST_CLASSES} labels are needed")
    network = published(wanted.backbone).to("cuda" if torch.cuda.is_available() else "cpu")
    kept_teach, one = _part(teach, names, features.cached(teach, wanted.backbone, network, cache, progress))
    kept_choose, other = _part(
        choose, names, features.cached(choose, wanted.backbone, network, cache, progress, 1)
    )
    rejected = _rejected(folder, (teach, kept_teach), (choose, kept_choose))
    group = _groups(names, [*kept_teach, *kept_choose])
    fitted = [closed_form(network, one, other, len(names))]
    told = {"ridge_accuracy": fitted[0].accuracy}
    if wanted.head != "ridge":
        checkpoint = Checkpoint(cache / "tuning.pt")
        name = f"{wanted.images} {wanted.backbone}"
        # Blind to the levels, it errs on other photos than the frozen tail does.
        start = closed_form(network, one, other, len(names), levels=False)
        fitted.append(tuned(start, one, other, group, progress, checkpoint, name))
        told["tuned_accuracy"] = fitted[1].accuracy
    classifier, confidence, together = joined(fitted, one, other, wanted.head)
    if together is not None:
        told["both_accuracy"] = together
    pictures = _pictures(kept_choose)
    told["export_difference"] = compare(folder / "model.onnx", *write(classifier, folder / "model.onnx"))
    if wanted.precision == "int8":
        calibrate = _pictures(kept_teach[:: -(-len(kept_teach) // int8.CALIBRATED_ON) or 1])
        told |= int8.replace(folder / "model.onnx", calibrate, pictures, other.label)
    precision = "int8" if told.get("int8_serves") else "fp32"
    seen = publish.see(folder / "model.onnx", pictures) if len(pictures) else None
    if seen is not None:
        told |= _figures(seen, other.label, group, confidence)
    facts = {"embedding": classifier.size, "unknown_below": confidence.unknown_below}
    publish.describe(folder, names, [*kept_teach, *kept_choose], facts)
    told["cpu_seconds"] = time.process_time() - begun
    if wanted.report is not None and seen is not None:
        report.write(wanted.report, names, kept_choose, pictures, seen.probabilities, told)
    less = serving is not None and worse(serving, kept_choose, pictures, told.get("accuracy", 0.0))
    span = {
        "source": "own photos",
        "photos": str(len(kept_teach)),
        "chosen on": str(len(kept_choose)),
        "classes": str(len(names)),
        "rejected": str(rejected),
        "backbone": wanted.backbone,
        "precision": precision,
    }
    return Made({name: Metric(value=value, low=None, high=None) for name, value in told.items()}, span, less)


def _parts(wanted: Wanted) -> tuple[list[Photo], list[Photo]]:
    for value, allowed, option in (
        (wanted.backbone, tuple(VARIANTS), "--backbone"),
        (wanted.head, HEADS, "--head"),
        (wanted.precision, PRECISIONS, "--precision"),
    ):
        if value not in allowed:
            raise ValueError(f"{option} is one of {', '.join(allowed)}, not {value}")
    found = photos.read(wanted.images)
    if wanted.validation is None:
        return photos.split(found)
    known = set(photos.classes(found))
    return found, [photo for photo in photos.read(wanted.validation) if photo.label in known]


def _part(
    every: Sequence[Photo], names: Sequence[str], cached: features.Cached
) -> tuple[list[Photo], parts.Part]:
    """The photos that could be read, and their features."""
    kept = np.array([at for at in range(len(every)) if at not in cached.rejects], np.int64)
    number = {name: at for at, name in enumerate(names)}
    label = np.array([number[every[at].label] for at in kept], np.int64)
    weight = parts.balance(label, len(names))
    return [every[at] for at in kept], parts.Part(*cached[:3], kept, label, weight)


def _groups(names: Sequence[str], photos: Sequence[Photo]) -> parts.Ints:
    """The number of each class's group; a class without one is a group of its own."""
    group = {photo.label: photo.group for photo in photos if photo.group}
    told = [group.get(name, f"class {name}") for name in names]
    return np.array([sorted(set(told)).index(one) for one in told], np.int64)


def _rejected(folder: Path, *parts: tuple[Sequence[Photo], Sequence[Photo]]) -> int:
    """Lists the photos that could not be read; how many there are."""
    paths = [photo.path for every, kept in parts for photo in sorted(set(every) - set(kept), key=str)]
    (folder / "rejects.txt").write_text("".join(f"{path.name}\n" for path in paths), encoding="utf-8")
    return len(paths)


def _pictures(mine: Sequence[Photo]) -> npt.NDArray[np.uint8]:
    found = [photos.views(photo, 1)[0] for photo in mine]
    return np.stack(found) if found else np.zeros((0, SIDE, SIDE, 3), np.uint8)


def _figures(
    seen: publish.Seen,
    label: npt.NDArray[np.int64],
    group: npt.NDArray[np.int64],
    confidence: Confidence,
) -> dict[str, float]:
    first = seen.probabilities.max(1).astype(np.float64)
    right = seen.probabilities.argmax(1) == label
    told = {
        "accuracy": float(right.mean()),
        "calibration_error": calibration_error(first, right),
        "temperature": confidence.temperature,
        "unknown_below": confidence.unknown_below,
    }
    if group.max() + 1 < len(group):  # some classes share one
        # A group is as likely as its classes together.
        inside = group[:, None] == np.arange(group.max() + 1)
        told["coarse_accuracy"] = float(((seen.probabilities @ inside).argmax(1) == group[label]).mean())
    return told


def worse(serving: Model, mine: Sequence[Photo], pictures: npt.NDArray[np.uint8], reached: float) -> bool:
    """Whether what serves, with the same classes, is right more often on the same photos."""
    names = (serving.path / "labels.txt").read_text(encoding="utf-8").splitlines()
    if not len(pictures) or {photo.label for photo in mine} - set(names):
        return False
    number: Mapping[str, int] = {name: at for at, name in enumerate(names)}
    label = np.array([number[photo.label] for photo in mine], np.int64)
    try:
        return publish.accuracy(publish.see(serving.path / "model.onnx", pictures), label) > reached
    except (OSError, ImageError, RuntimeError):
        return False
