"""A table of labelled photos, and each photo as the pixels of several views."""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance

from services.vision.domain.image import SIDE, ImageError, prepare, upright

VIEWS: Final = 6
"""Of each photo: as it is served, and others that are cut, turned over and lit by chance."""

HELD: Final = 0.1
"""The share of photos that choose where the table names none for it, the same of each class."""

_SMALL, _LIT = 0.5, 0.3


@dataclass(frozen=True)
class Photo:
    """A line of the table: where it is, what it shows, the group of that class, the product; "" for none."""

    path: Path
    label: str
    group: str = ""
    product_id: str = ""


def read(table: Path) -> list[Photo]:
    """The photos of a CSV file with the columns path (from the file's folder) and label.

    The columns coarse and product_id may stand there too. Raises ValueError with the line for what is
    missing, and OSError.
    """
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, skipinitialspace=True)
        if not {"path", "label"} <= set(reader.fieldnames or ()):
            raise ValueError(f"{table}: the columns path and label are needed")
        found = []
        for row in reader:
            value = {
                name: (row.get(name) or "").strip() for name in ("path", "label", "coarse", "product_id")
            }
            if not value["path"] or not value["label"]:
                raise ValueError(f"{table}, line {reader.line_num}: path and label are needed")
            path = table.parent / value["path"]
            found.append(Photo(path, value["label"], value["coarse"], value["product_id"]))
    return found


def split(photos: Sequence[Photo], share: float = HELD) -> tuple[list[Photo], list[Photo]]:
    """Those that teach and those that choose, by a hash of the file's name: of each class a share."""
    by_label: dict[str, list[Photo]] = defaultdict(list)
    for photo in sorted(photos, key=lambda one: hashlib.sha256(one.path.name.encode()).digest()):
        by_label[photo.label].append(photo)
    held = {photo.path for mine in by_label.values() for photo in mine[: int(len(mine) * share + 0.5)]}
    return [one for one in photos if one.path not in held], [one for one in photos if one.path in held]


def views(photo: Photo, count: int) -> npt.NDArray[np.uint8]:
    """(count, SIDE, SIDE, 3): as it is served, then by chance, the same for a name. Raises ImageError."""
    try:
        data = photo.path.read_bytes()
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror}") from error
    draw = np.random.default_rng(list(hashlib.sha256(photo.path.name.encode()).digest()[:8]))
    whole, served = upright(prepare(data))
    return np.stack([served, *(_view(whole, draw) for _ in range(count - 1))])


def _view(image: Image.Image, draw: np.random.Generator) -> npt.NDArray[np.uint8]:
    side = float(np.sqrt(draw.uniform(_SMALL, 1.0))) * min(image.size)
    left, top = draw.uniform(0, image.width - side), draw.uniform(0, image.height - side)
    box = (left, top, left + side, top + side)
    small = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box)
    if draw.random() < 0.5:
        small = small.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        small = change(small).enhance(float(draw.uniform(1 - _LIT, 1 + _LIT)))
    return np.asarray(small)


def classes(photos: Iterable[Photo]) -> list[str]:
    """The labels, in order."""
    return sorted({photo.label for photo in photos})
