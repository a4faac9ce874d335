"""Which categories a query is about, by what is found first: neighbours vote, the nearer the more (kNN)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import log2
from typing import Final, NamedTuple

VOTERS: Final = 20
"""Products, best first, whose categories vote."""

MOST: Final = 3
LEAST_CONFIDENCE: Final = 0.1


class Predicted(NamedTuple):
    """A category's path, and its share of the votes: those of products in two of them count for both."""

    path: str
    confidence: float


def predicted(product_ids: Sequence[str], categories: Mapping[str, Sequence[str]]) -> list[Predicted]:
    """The categories of the products, best first of which vote 1 / log2(rank + 1); surest first."""
    votes: defaultdict[str, float] = defaultdict(float)
    for rank, product_id in enumerate(product_ids[:VOTERS], 1):
        for path in categories.get(product_id, ()):
            votes[path] += 1 / log2(rank + 1)
    every = sum(1 / log2(rank + 1) for rank in range(1, len(product_ids[:VOTERS]) + 1))
    told = [Predicted(path, vote / every) for path, vote in votes.items() if vote >= LEAST_CONFIDENCE * every]
    return sorted(told, key=lambda one: (-one.confidence, one.path))[:MOST]
