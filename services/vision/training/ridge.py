"""A head in closed form: least squares with a ridge on frozen features of all views."""

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from services.vision.network import EMBEDDING, EfficientNetLite
from services.vision.training.parts import Fitted, Part, accuracy

RIDGES: Final = (0.03, 0.1, 0.3, 1.0, 10.0, 100.0)
"""What the ridge may be, over the mean variance of a feature; the photos that choose say which."""

SHARP: Final = 20.0
"""A ridge head's scores lie between 0 and 1: times this they are logits, before the temperature."""


def closed_form(network: EfficientNetLite, teach: Part, choose: Part, classes: int) -> Fitted:
    """The head with the ridge that chooses best. Memory holds one view of all photos at a time."""
    gram, right = torch.zeros(EMBEDDING, EMBEDDING).double(), torch.zeros(EMBEDDING, classes).double()
    mean, target = torch.zeros(EMBEDDING).double(), torch.zeros(classes).double()
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
    held, heads = _features(choose, 0).float(), []
    for ridge in RIDGES:
        solved = torch.linalg.solve(gram + ridge * gram.diagonal().mean() * torch.eye(EMBEDDING), right)
        head = nn.Linear(EMBEDDING, classes)
        with torch.no_grad():
            head.weight.copy_(SHARP * solved.T)
            head.bias.copy_(SHARP * (target - mean @ solved))
        heads.append(Fitted(network, head, accuracy(head(held), choose.label)))
    return max(heads, key=lambda one: one.accuracy)


def _features(part: Part, view: int) -> Tensor:
    return torch.from_numpy(np.asarray(part.frozen[part.rows, view], np.float64))
