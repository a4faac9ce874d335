"""The best choice of one candidate a product: a multiple-choice integer program, solved exactly by HiGHS.

    maximise sum score[i, p] x[i, p]    one p for each product i, every row kept, x binary

Products that share no row are chosen each by itself; those that do, in one program for each such component.
"""

import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from services.pricing.domain.optimiser.coherence import Floats, Row

LONGEST: Final = 5.0
"""Seconds for one program at most."""


class Choice(NamedTuple):
    """The chosen candidate of each product, their score, the most that any choice could have, and the
    seconds that solving took.
    """

    chosen: list[int]
    score: float
    bound: float
    seconds: float


def choose(scores: Sequence[Floats], rows: Sequence[Row], seconds: float) -> Choice:
    """The best choice; where the solver finds none in so many seconds, a good one that keeps every row.

    `scores` holds an array a product, its candidates' gains over the first one (0 for that); -inf forbids
    one. The first candidates keep every row.
    """
    chosen = [int(np.argmax(score)) for score in scores]
    bound = sum(float(score[best]) for score, best in zip(scores, chosen, strict=True))
    spent = 0.0
    for places, theirs in _components(len(scores), rows):
        if all(row.keeps(chosen) for row in theirs):
            continue  # what is best for each by itself keeps them all
        most = sum(float(scores[place][chosen[place]]) for place in places)
        began, limit = time.monotonic(), min(LONGEST, seconds - spent)
        found, reached = _solve(places, scores, theirs, limit) if limit > 0 else ({}, most)
        spent += time.monotonic() - began
        for place in places:
            chosen[place] = found.get(place, 0)
        if not found:
            _improve(chosen, places, scores, theirs)
        bound += min(reached, most) - most
    score = sum(float(score[best]) for score, best in zip(scores, chosen, strict=True))
    return Choice(chosen, score, max(bound, score), spent)


def _components(count: int, rows: Sequence[Row]) -> list[tuple[list[int], list[Row]]]:
    """Products that rows tie together, with those rows."""
    parent = list(range(count))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = place = parent[parent[place]]
        return place

    for row in rows:
        for place, _ in row.terms[1:]:
            parent[root(place)] = root(row.terms[0][0])
    found: dict[int, tuple[list[int], list[Row]]] = {}
    for row in rows:
        found.setdefault(root(row.terms[0][0]), ([], []))[1].append(row)
    for place in range(count):
        if root(place) in found:
            found[root(place)][0].append(place)
    return list(found.values())


def _improve(chosen: list[int], places: Sequence[int], scores: Sequence[Floats], rows: Sequence[Row]) -> None:
    """Gives one product after another, the most gaining first, its best candidate that keeps every row."""
    for place in sorted(places, key=lambda place: -float(scores[place].max())):
        theirs = [row for row in rows if any(place == one for one, _ in row.terms)]
        for candidate in np.argsort(-scores[place], kind="stable"):
            before, chosen[place] = chosen[place], int(candidate)
            if all(row.keeps(chosen) for row in theirs):
                break
            chosen[place] = before


def _solve(
    places: Sequence[int], scores: Sequence[Floats], rows: Sequence[Row], seconds: float
) -> tuple[dict[int, int], float]:
    """The chosen candidates, none when none were found, and the most that a choice could score."""
    sizes = [len(scores[place]) for place in places]
    starts = dict(zip(places, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))
    score = np.concatenate([scores[place] for place in places])
    one_each = sparse.block_diag([np.ones((1, size)) for size in sizes], format="csr")
    matrix, low, high = _matrix(rows, starts, int(sum(sizes)))
    result: Any = milp(
        -np.where(np.isfinite(score), score, 0.0),
        integrality=np.ones(len(score)),
        bounds=Bounds(0, np.isfinite(score).astype(float)),
        constraints=[LinearConstraint(one_each, 1, 1), LinearConstraint(matrix, low, high)],
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    reached = -float(result.mip_dual_bound) if result.mip_dual_bound is not None else np.inf
    if result.x is None:
        return {}, reached
    chosen = {
        place: int(np.argmax(result.x[starts[place] : starts[place] + size]))
        for place, size in zip(places, sizes, strict=True)
    }
    return chosen, reached


def _matrix(rows: Sequence[Row], starts: dict[int, int], width: int) -> tuple[Any, Floats, Floats]:
    """The rows side by side, each scaled so that the solver's tolerance means the same in all."""
    counts, columns, numbers = [], [], []
    scales = np.array([max(float(np.abs(values).max()) for _, values in row.terms) or 1.0 for row in rows])
    for number, row in enumerate(rows):
        for place, values in row.terms:
            counts.append(values / scales[number])
            columns.append(np.arange(len(values)) + starts[place])
            numbers.append(np.full(len(values), number))
    index = (np.concatenate(numbers), np.concatenate(columns))
    matrix = sparse.csr_matrix((np.concatenate(counts), index), shape=(len(rows), width))
    low, high = np.array([row.low for row in rows]), np.array([row.high for row in rows])
    return matrix, low / scales, high / scales
