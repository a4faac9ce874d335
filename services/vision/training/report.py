"""A page that stands alone: what the classifier confuses, class by class, and the photos it is worst on."""

import html
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

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
        f"<p>{len(photos)} photos that did not teach.",
        page.table((name, f"{value:.4f}") for name, value in figures.items()),
        f"<h2>Confusion</h2>{_matrix(label, guess, names)}",
        f"<h2>Taken for another most often</h2>{_pairs(label, guess, names)}",
        "<h2>Worst photos</h2>",
        *_worst(names, photos, pictures, probabilities, label),
    ]
    page.write(file, "aisle train vision", parts)


def _matrix(label: npt.NDArray[np.int64], guess: npt.NDArray[np.int64], names: Sequence[str]) -> str:
    """Rows are what it is, columns what it was taken for, each row a share."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ValueError("--report needs matplotlib: install aisle[train]") from error
    known = label >= 0
    table = np.zeros((len(names), len(names)))
    np.add.at(table, (label[known], guess[known]), 1)
    table /= np.maximum(table.sum(1, keepdims=True), 1)
    figure = Figure(figsize=(9, 9))
    axes = figure.subplots()
    axes.imshow(table, cmap="Blues", vmin=0, vmax=1)
    axes.set_xlabel("taken for")
    axes.set_ylabel("is")
    ticks = range(len(names))
    axes.set_xticks(ticks, names, rotation=90, fontsize=5)
    axes.set_yticks(ticks, names, fontsize=5)
    figure.tight_layout()
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg")
    return drawn.getvalue()[drawn.getvalue().index("<svg") :]


def _pairs(label: npt.NDArray[np.int64], guess: npt.NDArray[np.int64], names: Sequence[str]) -> str:
    wrong = Counter((a, b) for a, b in zip(label.tolist(), guess.tolist(), strict=True) if 0 <= a != b)
    rows = "".join(
        f"<tr><td>{html.escape(names[a])}<td>{html.escape(names[b])}<td>{count}"
        for (a, b), count in wrong.most_common(CONFUSED)
    )
    return f"<table><tr><th>is<th>taken for<th>photos{rows}</table>"


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
