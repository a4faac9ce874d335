"""What the frozen network makes of every view of every photo, kept on the disk so that it is made once."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import Tensor, nn

from services.kit.progress import Progress
from services.vision.domain.image import ImageError
from services.vision.network import EfficientNetLite
from services.vision.photos import VIEWS, Photo, views
from services.vision.training.export import onnx

BATCH: Final = 16
"""Photos that are done at a time; after each the file says so."""

WORTH_EXPORTING: Final = 1000
"""Views from which on the network is exported first: ONNX Runtime takes a third of torch's time on a CPU."""

FORMAT: Final = "4"
"""Changes when the same photos give other features."""

Pixels = npt.NDArray[np.uint8]
Look = Callable[[Pixels], Sequence[npt.NDArray[np.float32]]]
File = np.memmap[Any, np.dtype[np.float16]]

KINDS: Final = ("maps", "levels", "frozen")
"""What is kept of a view: see parts.py."""


class Cached(NamedTuple):
    """float16 arrays (photos, views, ...), as parts.py tells them."""

    maps: File
    levels: File
    frozen: File
    rejects: dict[int, str]
    """By the place of a photo that could not be read, why."""


class Frozen(nn.Module):
    """A network that tells what its trunk and its tail make of pictures."""

    def __init__(self, network: EfficientNetLite) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """uint8 (n, SIDE, SIDE, 3) to KINDS."""
        maps, levels = self.network.trunk(pixels)
        return maps, levels, self.network.tail(maps)


def cached(
    photos: Sequence[Photo],
    name: str,
    network: EfficientNetLite,
    folder: Path,
    progress: Progress,
    count: int = VIEWS,
) -> Cached:
    """Makes what is not there yet, by the network called `name`. Cut short, it goes on.

    A photo that cannot be read is left at 0 and told; one bad photo never ends the training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = _key(photos, name, count)
    state = folder / f"{key}.json"
    variant = network.variant
    sizes = (variant.shape, variant.levels[:1], (variant.features - variant.levels[0],))
    kept = [
        _array(folder / f"{key}.{kind}", (len(photos), count, *size))
        for kind, size in zip(KINDS, sizes, strict=True)
    ]
    done, rejects = _state(state)
    look = _look(network, (len(photos) - done) * count)
    for start in range(done, len(photos), BATCH):
        progress("features", start, len(photos))
        part = photos[start : start + BATCH]
        for at, photo in enumerate(part, start):
            try:
                for array, found in zip(kept, look(views(photo, count)), strict=True):
                    array[at] = found
            except ImageError as error:
                rejects[at] = str(error)
        for array in kept:
            array.flush()
        _write(state, {"done": start + len(part), "rejects": rejects})
    progress("features", len(photos), len(photos))
    maps, levels, tails = kept
    return Cached(maps, levels, tails, rejects)


def _look(network: EfficientNetLite, left: int) -> Look:
    """What sees pixels: torch on a GPU or for a few, ONNX Runtime for many on a CPU."""
    frozen, device = Frozen(network).eval(), next(network.parameters()).device
    if device.type == "cpu" and left >= WORTH_EXPORTING:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "frozen.onnx"
            onnx(frozen, path, KINDS)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return lambda pixels: session.run(KINDS, {"pixels": pixels})

    @torch.no_grad()
    def see(pixels: Pixels) -> Sequence[npt.NDArray[np.float32]]:
        return [one.float().cpu().numpy() for one in frozen(torch.from_numpy(pixels).to(device))]

    return see


def _array(file: Path, shape: tuple[int, ...]) -> File:
    return np.memmap(file, np.float16, "r+" if file.exists() else "w+", shape=shape)


def _key(photos: Sequence[Photo], name: str, count: int) -> str:
    """Changes with the network, and with the photos' paths, sizes and times."""
    found = hashlib.sha256(f"{FORMAT} {name} {count}\n".encode())
    for photo in photos:
        try:
            stat = photo.path.stat()
            found.update(f"{photo.path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
        except OSError:
            found.update(f"{photo.path}\n".encode())
    return found.hexdigest()[:32]


def _state(file: Path) -> tuple[int, dict[int, str]]:
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return 0, {}
    return int(found["done"]), {int(at): why for at, why in found["rejects"].items()}


def _write(file: Path, content: dict[str, Any]) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(content))
    os.replace(fresh, file)
