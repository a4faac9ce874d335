"""How much shoppers look at each position of a list, told from what they took of lists."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STEADY = 20.0
"""Responses that each position is taken to have had, as the prior expects."""

_ROUNDS = 20

Shown = tuple[Sequence[str], NDArray[np.int64], NDArray[np.bool_]]
"""One list as it was viewed: its products, their positions from 1, and which of them were taken."""


def examination(lists: Sequence[Shown], deepest: int) -> NDArray[np.float64]:
    """The chance that each position, from 1, is looked at, over that of the first; (deepest,).

    The position-based model: taken = examined(position) x attraction(product), a product seen at several
    positions telling them apart (Joachims et al. 2017). Fitted as a product of two Poisson factors, each in
    turn, and held near 1 / sqrt(position) by STEADY responses. No position lies beyond `deepest`.
    """
    prior: NDArray[np.float64] = np.arange(1, deepest + 1, dtype=np.float64) ** -0.5
    if not lists:
        return prior
    every = dict.fromkeys(name for products, _, _ in lists for name in products)
    names = {name: at for at, name in enumerate(every)}
    product = np.array([names[name] for products, _, _ in lists for name in products])
    position = np.concatenate([positions for _, positions, _ in lists]) - 1
    taken = np.concatenate([hits for _, _, hits in lists]).astype(np.float64)
    mean, examined = float(taken.mean()), prior.copy()
    for _ in range(_ROUNDS):
        # A product that was hardly seen is taken to be as attractive as all are together.
        expected = np.bincount(product, examined[position], len(names))
        attraction = (np.bincount(product, taken, len(names)) + mean) / (expected + 1.0)
        responses = np.bincount(position, taken, deepest) + STEADY * prior
        examined = responses / (np.bincount(position, attraction[product], deepest) + STEADY)
        examined = np.maximum(examined / max(float(examined[0]), 1e-12), 1e-3).astype(np.float64)
    return examined
