"""From fitted to honest: a temperature for the confidence, a bound for what is unknown, an embedding."""

from typing import Final, NamedTuple

import numpy as np
import torch
from scipy import linalg
from torch import Tensor, nn

from services.vision.training.parts import Ints

KEPT_KNOWN: Final = 0.95
"""The share of photos of known classes that stays above the bound of what is unknown."""

SIZE: Final = 256
"""Dimensions of the embedding, where there are as many."""

SHRINK: Final = 0.1
"""How much of the features' mean variance within classes is added to each."""

BINS: Final = 15


class Confidence(NamedTuple):
    """What logits are divided by, and the least probability of the first class for a picture to be known.

    `loss` is the mean cross-entropy that is left, in nats.
    """

    temperature: float
    unknown_below: float
    loss: float


def calibrated(logits: Tensor, label: Ints) -> Confidence:
    """The temperature with the least cross-entropy (Guo et al. 2017), and the bound of KEPT_KNOWN."""
    if not len(label):
        return Confidence(1.0, 0.0, 0.0)
    wanted = torch.from_numpy(label)
    grid = np.geomspace(0.1, 10.0, 201)
    losses = [float(nn.functional.cross_entropy(logits / t, wanted)) for t in grid]
    least = int(np.argmin(losses))
    temperature = float(grid[least])
    first = (logits / temperature).softmax(1).amax(1).double().numpy()
    return Confidence(temperature, float(np.quantile(first, 1 - KEPT_KNOWN)), losses[least])


def projection(features: Tensor, label: Ints, classes: int) -> nn.Linear:
    """The map (features -> at most SIZE) that makes photos of one class lie close, what they share at 0.

    Directions in which photos of one thing differ, by light and angle, are shrunk: of all directions those
    are taken that vary most over how much they vary within classes (Fisher 1936, the covariance shrunk), each
    varying by 1 within them. So a phone's photo comes near the catalogue's.
    """
    x, size = features.double().numpy(), features.shape[1]
    centre = x.mean(0)
    sums = np.zeros((classes, size))
    np.add.at(sums, label, x)
    within = x - (sums / np.maximum(np.bincount(label, minlength=classes), 1)[:, None])[label]
    inside, every = (y.T @ y / max(len(x), 1) for y in (within, x - centre))
    inside[np.diag_indices(size)] += max(SHRINK * float(inside.diagonal().mean()), 1e-12)
    _, directions = linalg.eigh(every, inside, subset_by_index=(max(0, size - SIZE), size - 1))
    embed = nn.Linear(size, directions.shape[1])
    with torch.no_grad():
        embed.weight.copy_(torch.from_numpy(directions.T))
        embed.bias.copy_(torch.from_numpy(-centre @ directions))
    return embed
