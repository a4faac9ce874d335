"""Which categories a query is about, by what is found first: neighbours vote, the nearer the more (kNN)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import log2
from typing import Final, NamedTuple

VOTERS: Final = 20
"""Products, best first, whose categories vote."""

MOST: Final = 3
LEAST_CONFIDENCE: Final = 0.1

Shares = Mapping[str, float]
"""Of each category's path its share of the votes, 0 to 1: those of products in two of them count for both."""


class Predicted(NamedTuple):
    """A category's path, and its share of the votes."""

    path: str
    confidence: float


def shares(product_ids: Sequence[str], categories: Mapping[str, Sequence[str]]) -> Shares:
    """The votes for the categories of the products, best first of which vote 1 / log2(rank + 1)."""
    votes: defaultdict[str, float] = defaultdict(float)
    for rank, product_id in enumerate(product_ids[:VOTERS], 1):
        for path in categories.get(product_id, ()):
            votes[path] += 1 / log2(rank + 1)
    every = sum(1 / log2(rank + 1) for rank in range(1, len(product_ids[:VOTERS]) + 1))
    return {path: vote / every for path, vote in votes.items()}


def surest(votes: Shares) -> list[Predicted]:
    """The categories to tell, surest first."""
    told = [Predicted(path, share) for path, share in votes.items() if share >= LEAST_CONFIDENCE]
    return sorted(told, key=lambda one: (-one.confidence, one.path))[:MOST]
