"""The page of `aisle evaluate vision --report`: photos, and the pictures that are nearest to them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from services.kit import report
from services.kit.progress import Metric
from services.vision import page
from services.vision.domain.image import upright
from services.vision.domain.seen import Seen
from services.vision.photos import Photo

SHOWN: Final = 24
"""Photos on the page, at equal distances in the table, so that nobody chose them."""

MISSES: Final = 12
"""Photos besides whose nearest picture is of something else, the surest of them first."""

NEAREST: Final = 5

Pair = tuple[Seen, Photo]


def write(file: Path, pairs: Sequence[Pair], shelf: Sequence[Pair], metrics: Mapping[str, Metric]) -> None:
    """Writes the page; without a shelf the nearest are among the photos themselves. Raises OSError."""
    near, cosines = _nearest(pairs, shelf)
    among = shelf or pairs
    wrong = [at for at, (_, photo) in enumerate(pairs) if among[near[at, 0]][1].label != photo.label]
    wrong.sort(key=lambda at: -cosines[at, 0])
    spread = np.linspace(0, len(pairs) - 1, min(SHOWN, len(pairs))).round().astype(int).tolist()

    def rows(chosen: Sequence[int]) -> list[str]:
        return [_row(pairs[at], [among[i] for i in near[at]], cosines[at].tolist()) for at in chosen]

    what = "pictures of the catalogue" if shelf else "other photos"
    parts = [
        report.words(
            f"{len(pairs)} photos, each with the {what} that are nearest to it. The first of a row is the "
            "photo, with what it is and what the model says; then how near the others are (cosine), outlined "
            "green where they show the same thing, red where they do not."
        ),
        report.table((), ((name, _told(metric)) for name, metric in metrics.items())),
        report.heading("Every so many photos"),
        *rows(spread),
        report.heading(f"Where the nearest is something else: {len(wrong)} photos, the nearest first"),
        *rows(wrong[:MISSES]),
    ]
    report.write(file, "aisle evaluate vision", parts, page.STYLE)


def _nearest(pairs: Sequence[Pair], shelf: Sequence[Pair]) -> tuple[np.ndarray, np.ndarray]:
    """By photo: the places of the nearest pictures, nearest first, and their cosines."""
    mine = np.stack([seen.embedding for seen, _ in pairs])
    theirs = np.stack([seen.embedding for seen, _ in shelf]) if shelf else mine
    cosines = mine @ theirs.T
    if not shelf:
        np.fill_diagonal(cosines, -2)
    count = min(NEAREST, len(theirs) - (not shelf))
    near = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    return near, np.take_along_axis(cosines, near, 1)


def _row(pair: Pair, near: Sequence[Pair], cosines: Sequence[float]) -> str:
    seen, photo = pair
    top = seen.top(1)[0]
    says = "unknown" if seen.unknown else f"{top.name} {top.confidence:.0%}"
    figures = [_figure(photo, f"{photo.label}; the model says {says}")]
    for (_, other), cosine in zip(near, cosines, strict=True):
        kind = "right" if other.label == photo.label else "wrong"
        figures.append(_figure(other, f"{other.label} {cosine:.2f}", kind))
    return f"<section>{''.join(figures)}</section>"


def _figure(photo: Photo, caption: str, kind: str = "") -> str:
    return page.figure(upright(photo.path.read_bytes())[0], caption, kind)


def _told(metric: Metric) -> str:
    low, high = metric["low"], metric["high"]
    between = f" ({low:.3f} to {high:.3f})" if low is not None and high is not None else ""
    return f"{metric['value']:.3f}{between}"
