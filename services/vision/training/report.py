"""A page that stands alone: what the classifier confuses, class by class, and the photos it is worst on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from services.kit import report
from services.vision import page
from services.vision.photos import Photo

WORST: Final = 24
CONFUSED: Final = 20


def write(
    file: Path,
    names: Sequence[str],
    photos: Sequence[Photo],
    pictures: npt.NDArray[np.uint8],
    probabilities: npt.NDArray[np.float32],
    figures: Mapping[str, float],
) -> None:
    """Writes the page about photos that chose. Raises OSError, and ValueError without matplotlib."""
    number = {name: at for at, name in enumerate(names)}
    label = np.array([number.get(photo.label, -1) for photo in photos])
    guess = probabilities.argmax(1)
    parts = [
        report.words(f"{len(photos)} photos that did not teach."),
        report.table((), ((name, f"{value:.4f}") for name, value in figures.items())),
        report.plot("Confusion", lambda axes: _matrix(axes, label, guess, names), 9.0),
        report.heading("Taken for another most often"),
        report.table(("is", "taken for", "photos"), _pairs(label, guess, names)),
        report.heading("Worst photos"),
        *_worst(names, photos, pictures, probabilities, label),
    ]
    report.write(file, "aisle train vision", parts, page.STYLE)


def _matrix(
    axes: Any, label: npt.NDArray[np.int64], guess: npt.NDArray[np.int64], names: Sequence[str]
) -> None:
    """Rows are what it is, columns what it was taken for, each row a share."""
    known = label >= 0
    table = np.zeros((len(names), len(names)))
    np.add.at(table, (label[known], guess[known]), 1)
    table /= np.maximum(table.sum(1, keepdims=True), 1)
    axes.grid(visible=False)
    axes.imshow(table, cmap="Blues", vmin=0, vmax=1)
    axes.set_xlabel("taken for")
    axes.set_ylabel("is")
    ticks = range(len(names))
    axes.set_xticks(ticks, names, rotation=90, fontsize=5)
    axes.set_yticks(ticks, names, fontsize=5)


def _pairs(
    label: npt.NDArray[np.int64], guess: npt.NDArray[np.int64], names: Sequence[str]
) -> list[tuple[str, str, str]]:
    wrong = Counter((a, b) for a, b in zip(label.tolist(), guess.tolist(), strict=True) if 0 <= a != b)
    return [(names[a], names[b], str(count)) for (a, b), count in wrong.most_common(CONFUSED)]


def _worst(
    names: Sequence[str],
    photos: Sequence[Photo],
    pictures: npt.NDArray[np.uint8],
    probabilities: npt.NDArray[np.float32],
    label: npt.NDArray[np.int64],
) -> list[str]:
    right = np.where(label >= 0, probabilities[np.arange(len(label)), label], 0.0)
    found = []
    for at in np.argsort(right, kind="stable")[:WORST]:
        guess = int(probabilities[at].argmax())
        words = (
            f"{photos[at].label} {right[at]:.0%}, taken for {names[guess]} {probabilities[at, guess]:.0%}: "
            f"{photos[at].path.name}"
        )
        found.append(page.figure(Image.fromarray(pictures[at]), words))
    return found
