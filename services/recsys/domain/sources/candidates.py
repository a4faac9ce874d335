"""What a source answers: products, how much speaks for each, and why."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import reasons
from services.recsys.domain.reasons import Reason

POOL = 500
"""Candidates of one source: more than the longest answer, so that filters leave enough."""

MOST_SEEDS = 100
"""A shopper's or a cart's strongest products whose neighbours are looked at."""

Rows = NDArray[np.int64]
Scores = NDArray[np.float64]


Named = Counter[int]
"""How many reasons of an answer name each row: one that names the same product all along explains little."""


@dataclass(frozen=True)
class Candidates:
    """Distinct rows with scores above 0, and why(i, named): the reason of candidate number i.

    A reason that names a product counts it in `named`.
    """

    rows: Rows
    scores: Scores
    why: Callable[[int, Named], Reason]


NOTHING = Candidates(np.zeros(0, np.int64), np.zeros(0), lambda *_: reasons.POPULAR)


def best(rows: Rows, scores: Scores) -> tuple[Rows, Scores]:
    """The POOL greatest scores with their rows, the greatest first, ties as they stood."""
    if len(rows) > POOL:
        kept = np.sort(np.argpartition(-scores, POOL)[:POOL])
        rows, scores = rows[kept], scores[kept]
    order = np.argsort(-scores, kind="stable")
    return rows[order], scores[order]
