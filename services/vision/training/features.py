"""What the frozen trunk makes of every view of every photo, kept on the disk so that it is made once."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch

from services.kit.progress import Progress
from services.vision.domain.image import ImageError
from services.vision.network import EfficientNetLite
from services.vision.photos import VIEWS, Photo, views

BATCH: Final = 16
"""Photos that are done at a time; after each the file says so."""


class Cached(NamedTuple):
    """float16 (photos, views, *network.variant.shape), and why photos could not be read, by their place."""

    values: "np.memmap[Any, np.dtype[np.float16]]"
    rejects: dict[int, str]


def cached(
    photos: Sequence[Photo], network: EfficientNetLite, folder: Path, progress: Progress, count: int = VIEWS
) -> Cached:
    """Makes what is not there yet: 176 KiB of disk a photo with four views. Cut short, it goes on.

    A photo that cannot be read is left at 0 and told; one bad photo never ends the training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = _name(photos, count)
    file, state = folder / f"{name}.f16", folder / f"{name}.json"
    done, rejects = _state(state) if file.exists() else (0, {})
    shape = (len(photos), count, *network.variant.shape)
    values = np.memmap(file, np.float16, "r+" if file.exists() else "w+", shape=shape)
    device = next(network.parameters()).device
    for start in range(done, len(photos), BATCH):
        progress("features", start, len(photos))
        part = photos[start : start + BATCH]
        for at, photo in enumerate(part, start):
            try:
                seen = torch.from_numpy(views(photo, count)).to(device)
            except ImageError as error:
                rejects[at] = str(error)
                continue
            with torch.no_grad():
                values[at] = network.trunk(seen).half().cpu().numpy()
        values.flush()
        _write(state, {"done": start + len(part), "rejects": rejects})
    progress("features", len(photos), len(photos))
    return Cached(values, rejects)


def _name(photos: Sequence[Photo], count: int) -> str:
    """Changes with the photos' paths, sizes and times."""
    found = hashlib.sha256(str(count).encode())
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
