"""Sees photos with an exported network, and writes what stands beside it in the model folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime

from services.vision.photos import Photo

Pictures = npt.NDArray[np.uint8]


class Seen(NamedTuple):
    """What a network says of photos: (n, classes) and (n, size)."""

    probabilities: npt.NDArray[np.float32]
    embeddings: npt.NDArray[np.float32]


def see(model: Path, pictures: Pictures, batch: int = 16) -> Seen:
    """Runs an exported network on (n, SIDE, SIDE, 3), on one thread as it is served."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    parts = [
        session.run(["probabilities", "embedding"], {"pixels": pictures[at : at + batch]})
        for at in range(0, len(pictures), batch)
    ]
    probabilities, embeddings = zip(*parts, strict=True)
    return Seen(np.concatenate(probabilities), np.concatenate(embeddings))


def accuracy(seen: Seen, label: npt.NDArray[np.int64]) -> float:
    """The share whose first class is the right one."""
    return float((seen.probabilities.argmax(1) == label).mean()) if len(label) else 0.0


def describe(folder: Path, names: Sequence[str], photos: Sequence[Photo], facts: Mapping[str, Any]) -> None:
    """Writes what stands beside the network: its classes, their groups and products, and its sizes."""
    groups = {photo.label: photo.group for photo in photos if photo.group}
    products: dict[str, list[str]] = {}
    for photo in photos:
        mine = products.setdefault(photo.label, [])
        if photo.product_id and photo.product_id not in mine:
            mine.append(photo.product_id)
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    told = {"labels": len(names), **facts, "groups": groups, "products": products}
    (folder / "model.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
