"""A head in closed form: least squares with a ridge on frozen features of all views."""

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from services.vision.network import EfficientNetLite
from services.vision.training.classifier import Head
from services.vision.training.parts import Fitted, Part, accuracy
from services.vision.variants import EMBEDDING

RIDGES: Final = (0.03, 0.1, 0.3, 1.0, 10.0, 100.0)
"""What the ridge may be, over the mean variance of a feature; the photos that choose say which."""

SHARP: Final = 20.0
"""A ridge head's scores lie between 0 and 1: times this they are logits, before the temperature."""

LEAST_SPREAD: Final = 1e-6
"""Of a feature that never changes, over the mean of the pooled ones: it is left as it is."""


def closed_form(
    network: EfficientNetLite, teach: Part, choose: Part, classes: int, *, levels: bool = True
) -> Fitted:
    """The head with the ridge that chooses best, blind to the levels where it is told so.

    Memory holds one view of all photos at a time.
    """
    size = network.variant.features
    gram, right = torch.zeros(size, size).double(), torch.zeros(size, classes).double()
    mean, target = torch.zeros(size).double(), torch.zeros(classes).double()
    weight = torch.from_numpy(teach.weight).double()
    wanted = nn.functional.one_hot(torch.from_numpy(teach.label), classes).double()
    views = teach.frozen.shape[1]
    total = views * weight.sum()
    for view in range(views):
        x = _features(teach, view)
        weighed = weight[:, None] * x
        gram += weighed.T @ x
        right += weighed.T @ wanted
        mean += weighed.sum(0) / total
        target += weight @ wanted / total
    gram -= total * torch.outer(mean, mean)
    right -= total * torch.outer(mean, target)
    scale = _even(gram.diagonal() / total)
    scale[:-EMBEDDING] *= levels
    gram, right = gram * torch.outer(scale, scale), right * scale[:, None]
    held, heads = _features(choose, 0).float(), []
    for ridge in RIDGES:
        solved = torch.linalg.solve(gram + ridge * gram.diagonal().mean() * torch.eye(size), right)
        head = Head(mean.float(), scale.float(), classes)
        with torch.no_grad():
            head.linear.weight.copy_(SHARP * solved.T)
            head.linear.bias.copy_(SHARP * target)
        heads.append(Fitted(network, head, accuracy(head(held), choose.label)))
    return max(heads, key=lambda one: one.accuracy)


def _even(variance: Tensor) -> Tensor:
    """What features are multiplied by, so that a pooled one varies by 1 in the mean and each level's by 1.

    Pooled features keep their proportions: those that hardly vary say little. Levels have no common unit.
    """
    pooled = variance[-EMBEDDING:].mean().clamp(min=1e-12)
    spread = torch.where(variance > LEAST_SPREAD * pooled, variance, pooled)
    spread[-EMBEDDING:] = pooled
    return spread**-0.5


def _features(part: Part, view: int) -> Tensor:
    kept = (np.asarray(one[part.rows, view], np.float64) for one in (part.levels, part.frozen))
    return torch.from_numpy(np.concatenate(list(kept), 1))
