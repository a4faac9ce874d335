"""Figures of a classifier that are more than a share."""

from typing import Final

import numpy as np
import numpy.typing as npt

BINS: Final = 15

Floats = npt.NDArray[np.float64]


def calibration_error(confidence: Floats, right: npt.NDArray[np.bool_]) -> float:
    """The expected calibration error (Guo et al. 2017) over BINS bins of equal width, between 0 and 1."""
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    apart = np.bincount(place, right.astype(float), BINS) - np.bincount(place, confidence, BINS)
    return float(np.abs(apart).sum() / max(len(confidence), 1))


def area_under(high: Floats, low: Floats) -> float:
    """How often one of `high` is above one of `low`, ties counting half: the area under the ROC curve."""
    order = np.sort(low)
    below = np.searchsorted(order, high, "left") + np.searchsorted(order, high, "right")
    return float(below.mean() / 2 / len(low))
