"""Pasts cut into windows of like length: what the sequence model reads and what it foresees from it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.interactions import Interactions

HELD, HELD_MOST = 0.1, 2_000
"""The share of shoppers whose last item tells when to stop, and at most how many."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Windows:
    """Row i foresees the lines begin[i]:end[i] of `item`, each from those of the row before it."""

    item: Numbers
    begin: Numbers
    end: Numbers

    def __len__(self) -> int:
        return len(self.end)

    def targets(self) -> float:
        """How many items a row foresees on average, of those that foresee any."""
        sizes = self.end - self.begin
        return float(sizes.sum() / max(np.count_nonzero(sizes), 1)) or 1.0

    def rows(self, at: Numbers) -> tuple[Numbers, Numbers]:
        """Inputs and targets of these rows, int64 (rows, longest): numbers from 1, 0 behind the last."""
        size = self.end[at] - self.begin[at]
        place = np.arange(size.max())
        lines = np.minimum(self.begin[at][:, None] + place, len(self.item) - 1)
        there = place < size[:, None]
        return np.where(there, self.item[lines - 1] + 1, 0), np.where(there, self.item[lines] + 1, 0)

    def batches(self, size: int, random: np.random.Generator) -> Sequence[Numbers]:
        """All rows once, in random order, with rows of like length together so that little is padded."""
        order = random.permutation(np.flatnonzero(self.end > self.begin))
        batches = []
        for start in range(0, len(order), 32 * size):
            part = order[start : start + 32 * size]
            part = part[np.argsort((self.end - self.begin)[part], kind="stable")]
            batches += [part[at : at + size] for at in range(0, len(part), size)]
        return [batches[at] for at in random.permutation(len(batches))]


def windows(data: Interactions, length: int) -> Windows:
    """Every past cut from its end into pieces of at most `length` items to foresee."""
    targets = np.maximum(np.diff(data.starts) - 1, 0)
    pieces = -(-targets // length)
    user = np.repeat(np.arange(data.users), pieces)
    piece = np.arange(len(user)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    end = data.starts[user + 1] - piece * length
    return Windows(data.item.astype(np.int64), np.maximum(end - length, data.starts[user] + 1), end)


def hold_out(every: Windows, data: Interactions, random: np.random.Generator) -> tuple[Windows, Windows]:
    """The windows without the last items of some shoppers, and windows that end in those items."""
    last = np.flatnonzero(np.isin(every.end, data.starts[1:]) & (every.end - every.begin > 1))
    held = random.permutation(last)[: min(HELD_MOST, int(len(last) * HELD))]
    end = every.end.copy()
    end[held] -= 1
    return Windows(every.item, every.begin, end), Windows(every.item, every.begin[held], every.end[held])


def later(targets: Numbers, ahead: float, random: np.random.Generator) -> Numbers:
    """Each target exchanged for one that came n places after it, n drawn by `ahead` ** n of all that did.

    int64 (rows, longest), 0 behind the last, as Windows.rows gives them. Where shoppers take several things
    at once their order says little, and what came soon is as right as what came next.
    """
    if not ahead:
        return targets
    there = targets > 0
    left = np.maximum(there[:, ::-1].cumsum(1)[:, ::-1] - 1, 0)
    drawn = np.log1p(-random.random(targets.shape) * (1 - ahead ** (left + 1))) / np.log(ahead)
    step = np.where(there, np.minimum(drawn.astype(np.int64), left), 0)
    return np.take_along_axis(targets, np.arange(targets.shape[1]) + step, 1)
