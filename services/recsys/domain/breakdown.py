"""Recall by how popular the wanted item is, and by how much of the shopper is known."""

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import metrics
from services.recsys.domain.comparison import Measured
from services.recsys.domain.interactions import Interactions
from services.recsys.domain.metrics import Estimate
from services.recsys.domain.protocols import Cases

Part = tuple[str, int, Estimate]
"""What the part is called, how many wanted items or cases it has, and its recall."""

_SHARES = (0.0, 0.5, 0.8, 0.95, 0.99, 1.0)
_NAMES = ("rarest half", "next 30%", "next 15%", "next 4%", "top 1%")
_LENGTHS = 5


def by_popularity(measured: Measured, cases: Cases, learnt: Interactions, k: int) -> list[Part]:
    """The share of wanted items found in the first k, by the popularity rank of the item among all items."""
    order = np.argsort(learnt.popularity(), kind="stable")
    rank = np.empty(len(order))
    rank[order] = np.arange(len(order)) / max(len(order), 1)
    bucket = np.searchsorted(_SHARES, rank, "right") - 1
    shown = measured.ranked[:, :k]
    hits = metrics.hits(shown, cases.wanted)
    row = np.repeat(np.arange(len(cases)), np.diff(cases.wanted.indptr))
    found_row, place = np.nonzero(hits)
    parts = []
    for number, name in enumerate(_NAMES):
        wanted = _count(row, bucket[cases.wanted.indices] == number, len(cases))
        found = _count(found_row, bucket[shown[found_row, place]] == number, len(cases))
        if wanted.any():
            parts.append((name, int(wanted.sum()), _ratio(found, wanted)))
    return parts


def by_length(measured: Measured, cases: Cases, k: int) -> list[Part]:
    """Mean recall in the first k, by the number of items in the past, in parts of about as many cases."""
    length = np.diff(cases.past.starts)
    edges = np.unique(np.quantile(length, np.linspace(0, 1, _LENGTHS + 1)).astype(np.int64))
    part = np.clip(np.searchsorted(edges, length, "right") - 1, 0, max(len(edges) - 2, 0))
    recall = measured.by_case[f"recall@{k}"]
    parts = []
    for number in np.unique(part).tolist():
        held = part == number
        first, last = int(length[held].min()), int(length[held].max())
        name = str(first) if first == last else f"{first} to {last}"
        parts.append((name, int(held.sum()), metrics.estimate(recall[held])))
    return parts


def _count(row: NDArray[np.int64], kept: NDArray[np.bool_], cases: int) -> metrics.Values:
    """How many of these each case has."""
    return np.bincount(row[kept], minlength=cases).astype(np.float64)


def _ratio(found: metrics.Values, wanted: metrics.Values) -> Estimate:
    """All found over all wanted, with its interval over cases."""
    means = metrics.resampled(np.column_stack([found, wanted]))
    low, high = np.percentile(means[:, 0] / np.maximum(means[:, 1], 1e-12), [2.5, 97.5])
    return Estimate(float(found.sum() / wanted.sum()), float(low), float(high))
