"""Item-to-item models: a sparse matrix whose rows are summed over a past."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.recsys.domain.interactions import Interactions, Past
from services.recsys.domain.models.model import Arrays, Model, Scores
from services.recsys.domain.neighbours import BadModelError

EXPLAINED = 3
"""At most so many items of the past explain an answer."""

_FEW = 16
"""Sums are found by sorting where there are so many times more numbers than lines."""


@dataclass(frozen=True)
class Weighted:
    """Distinct items of a past, rising, and what each weighs."""

    items: NDArray[np.int64]
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class Read:
    """What a past's items say: items[i] speaks in the lines starts[i]:starts[i + 1] for `others`, by `worth`.

    `others` number below `count`.
    """

    items: NDArray[np.int64]
    starts: NDArray[np.int32]
    others: NDArray[np.int32]
    worth: NDArray[np.float32]
    count: int


def weighted(past: Past, known: int, fade: float) -> Weighted:
    """Each item once, at fade ** (places after its last one), without those that the model never saw."""
    backwards = past.items[::-1].astype(np.int64)
    items, place = np.unique(backwards, return_index=True)
    kept = (items >= 0) & (items < known)
    return Weighted(items[kept], np.power(fade, place[kept]).astype(np.float32))


def strongest(parts: NDArray[np.float32], items: NDArray[np.int64]) -> tuple[int, ...]:
    """The items that give most, of those that give anything."""
    if len(parts) > EXPLAINED:
        best = np.sort(np.argpartition(-parts, EXPLAINED)[:EXPLAINED])
        parts, items = parts[best], items[best]
    order = np.argsort(-parts, kind="stable")
    return tuple(int(items[at]) for at in order if parts[at] > 0)


def summed(
    numbers: NDArray[np.integer[Any]], worth: NDArray[np.floating[Any]], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The distinct numbers below `count`, rising, and the sum of what each is worth.

    Few among many are sorted; a table of all is faster only where they are not few.
    """
    if _FEW * len(numbers) > count:
        total = np.bincount(numbers, worth, count).astype(np.float64)
        there = np.flatnonzero(total).astype(np.int64)
        return there, total[there]
    order = np.argsort(numbers, kind="stable")
    sorted_ = numbers[order]
    first = np.flatnonzero(np.diff(sorted_, prepend=-1))
    if not len(first):
        return np.zeros(0, np.int64), np.zeros(0)
    return sorted_[first].astype(np.int64), np.add.reduceat(worth[order].astype(np.float64), first)


class ItemRows(Model):
    """A model that is one matrix: links[i, j] is what having taken i says for j. `fit` sets `links`.

    `latest`: of a past, only as many latest items are looked at, and each place further back counts `fade`
    times as much (1: order means nothing).
    """

    links: sparse.csr_matrix

    def __init__(self, latest: int = 1000, fade: float = 1.0) -> None:
        self.latest, self.fade = latest, fade

    def state(self, past: Past) -> Read:
        """What the rows of the latest items say, each item once."""
        kept = weighted(past.last(self.latest), self.links.shape[0], self.fade)
        rows = self.links[kept.items]
        worth = np.repeat(kept.weights, np.diff(rows.indptr)) * rows.data
        return Read(kept.items, rows.indptr, rows.indices, worth, self.links.shape[1])

    def score(self, state: Read) -> Scores:
        """The weighted sum of the past's rows."""
        return np.bincount(state.others, state.worth, state.count).astype(np.float32)

    def above(self, state: Read) -> tuple[NDArray[np.int64], Scores]:
        """What the past's rows give more than 0, without a look at the other items."""
        items, sums = summed(state.others, state.worth, state.count)
        kept = sums > 0
        return items[kept], sums[kept].astype(np.float32)

    def explain(self, state: Read, item: int) -> tuple[int, ...]:
        """The items of the past whose rows give most to `item`."""
        lines = np.flatnonzero(state.others == item)
        from_ = np.searchsorted(state.starts, lines, "right") - 1
        return strongest(state.worth[lines], state.items[from_])

    def arrays(self) -> Arrays:
        """The matrix in compressed rows, and how a past is read."""
        reading = np.array([self.latest, self.fade])
        return {**arrays_of(self.links), "reading": reading}

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """The model again. Raises BadModelError when the arrays do not fit together."""
        model = cls()
        model.links = links_of(arrays)
        if arrays.get("reading", np.zeros(0)).shape != (2,):
            raise BadModelError("an item-to-item model says how a past is read, in two numbers")
        model.latest, model.fade = int(arrays["reading"][0]), float(arrays["reading"][1])
        return model


def most_taken(data: Interactions, most: int) -> tuple[Interactions, NDArray[np.int64]]:
    """The lines of the `most` items that most shoppers took, numbered anew; and these items, rising."""
    if data.items <= most:
        return data, np.arange(data.items)
    items = np.sort(np.argsort(-data.popularity(), kind="stable")[:most])
    return data.of_items(items), items


def among_all(links: sparse.csr_matrix, items: NDArray[np.int64], count: int) -> sparse.csr_matrix:
    """Links between a few of `count` items, whose numbers are `items`, as links between all of them."""
    sizes = np.zeros(count, np.int64)
    sizes[items] = np.diff(links.indptr)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return sparse.csr_matrix(
        (links.data, items[links.indices].astype(np.int32), starts), shape=(count, count)
    )


def arrays_of(links: sparse.csr_matrix) -> dict[str, NDArray[Any]]:
    """A square matrix as `starts`, `others` and `weights`."""
    return {"starts": links.indptr, "others": links.indices, "weights": links.data}


def links_of(arrays: Arrays) -> sparse.csr_matrix:
    """The square matrix behind `starts`, `others` and `weights`. Raises BadModelError."""
    try:
        parts: tuple[Any, ...] = (arrays["weights"], arrays["others"], arrays["starts"])
        items = len(parts[2]) - 1
        links = sparse.csr_matrix(parts, shape=(items, items))
        links.check_format()
    except (KeyError, ValueError) as problem:
        raise BadModelError(f"the model's arrays do not fit together: {problem}") from problem
    return links
