"""From fitted to honest: a temperature for the confidence, a bound for what is unknown, an embedding."""

from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from services.vision.training.parts import Ints

KEPT_KNOWN: Final = 0.95
"""The share of photos of known classes that stays above the bound of what is unknown."""

SIZE: Final = 256
"""Dimensions of the embedding, where there are as many."""

SHRINK: Final = 0.1
"""How much of the features' mean variance is added when they are whitened."""

BINS: Final = 15


class Confidence(NamedTuple):
    """What logits are divided by, and the least probability of the first class for a picture to be known."""

    temperature: float
    unknown_below: float


def calibrated(logits: Tensor, label: Ints) -> Confidence:
    """The temperature with the least cross-entropy (Guo et al. 2017), and the bound of KEPT_KNOWN."""
    if not len(label):
        return Confidence(1.0, 0.0)
    wanted = torch.from_numpy(label)
    grid = np.geomspace(0.1, 10.0, 201)
    losses = [float(nn.functional.cross_entropy(logits / t, wanted)) for t in grid]
    temperature = float(grid[int(np.argmin(losses))])
    first = (logits / temperature).softmax(1).amax(1).double().numpy()
    return Confidence(temperature, float(np.quantile(first, 1 - KEPT_KNOWN)))


def projection(features: Tensor, label: Ints, classes: int) -> tuple[Tensor, Tensor]:
    """The features' mean, and the map (features, size) that makes photos of one class lie close.

    Directions in which photos of one thing differ, by light and angle, are shrunk: whitening by the
    covariance within classes, then the directions of greatest variance. So a phone's photo comes near the
    catalogue's.
    """
    x, number = features.double(), torch.from_numpy(label)
    centre = x.mean(0)
    sums = torch.zeros(classes, x.shape[1], dtype=torch.float64).index_add_(0, number, x)
    means = sums / torch.bincount(number, minlength=classes).clamp(min=1)[:, None]
    within = x - means[number]
    covariance = within.T @ within / max(len(x), 1)
    covariance += SHRINK * covariance.diagonal().mean() * torch.eye(x.shape[1], dtype=torch.float64)
    values, vectors = torch.linalg.eigh(covariance)
    white = vectors @ torch.diag(values.clamp(min=1e-12) ** -0.5) @ vectors.T
    y = (x - centre) @ white
    _, _, right = torch.linalg.svd(y, full_matrices=False)
    return centre.float(), (white @ right[:SIZE].T).float()
