"""What fitting works on: photos as the trunk sees them, their classes, and a network with a head."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from services.vision.network import EfficientNetLite
from services.vision.training.classifier import Head

BATCH: Final = 64

Ints = npt.NDArray[np.int64]


class Part(NamedTuple):
    """Some photos of a cache: the rows that they have there, each one's class, and its weight.

    Of each view of all photos, `maps` (all, views, *network.variant.shape) and `levels` are what the trunk
    makes of it, `frozen` is what the published tail makes of that; see network.py.
    """

    maps: Any
    levels: Any
    frozen: Any
    rows: Ints
    label: Ints
    weight: npt.NDArray[np.float32]


class Fitted(NamedTuple):
    """The network with its tail, a head on its features, and the accuracy on what chooses."""

    network: EfficientNetLite
    head: Head
    accuracy: float


def balance(label: Ints, classes: int) -> npt.NDArray[np.float32]:
    """Weights of mean 1 by which a class counts as the root of its photos, so that rare ones are heard."""
    counts = np.maximum(np.bincount(label, minlength=classes), 1)
    weight = counts[label] ** -0.5
    return np.asarray(weight / max(float(weight.mean()), 1e-12), np.float32)


@torch.no_grad()
def features(network: EfficientNetLite, part: Part, view: int = 0) -> Tensor:
    """(photos, variant.features) of one view by the network's own tail, by batches."""
    network.eval()
    device = next(network.parameters()).device
    found = []
    for rows in np.array_split(part.rows, max(1, -(-len(part.rows) // BATCH))):
        tail = network.tail(tensor(part.maps[rows, view], device)).float()
        found.append(torch.cat((tensor(part.levels[rows, view], device), tail), 1).cpu())
    return torch.cat(found)


def accuracy(logits: Tensor, label: Ints) -> float:
    """The share whose greatest logit is the right one."""
    return float((logits.argmax(1) == torch.from_numpy(label)).double().mean()) if len(label) else 0.0


def tensor(kept: Any, device: torch.device) -> Tensor:
    """Rows of a cache as a network wants them."""
    x = torch.from_numpy(np.ascontiguousarray(kept)).to(device).float()
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
