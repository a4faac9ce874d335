"""What fitting works on: photos as the trunk sees them, their classes, and a network with a head."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from services.vision.network import EMBEDDING, EfficientNetLite

BATCH: Final = 64

Ints = npt.NDArray[np.int64]


class Part(NamedTuple):
    """Some photos of a cache: the rows that they have there, each one's class, and its weight.

    `maps` (all, views, *network.variant.shape) is what the trunk makes of a view, `frozen` (all, views,
    EMBEDDING) what the published tail makes of that.
    """

    maps: Any
    frozen: Any
    rows: Ints
    label: Ints
    weight: npt.NDArray[np.float32]


class Fitted(NamedTuple):
    """The network with its tail, a head on its pooled features, and the accuracy on what chooses."""

    network: EfficientNetLite
    head: nn.Linear
    accuracy: float


def balance(label: Ints, classes: int) -> npt.NDArray[np.float32]:
    """Weights of mean 1 by which a class counts as the root of its photos, so that rare ones are heard."""
    counts = np.maximum(np.bincount(label, minlength=classes), 1)
    weight = counts[label] ** -0.5
    return np.asarray(weight / max(float(weight.mean()), 1e-12), np.float32)


@torch.no_grad()
def pooled(network: EfficientNetLite, part: Part, view: int = 0) -> Tensor:
    """(photos, EMBEDDING) of one view by the network's own tail, by batches."""
    network.eval()
    device = next(network.parameters()).device
    found = [
        network.tail(tensor(part.maps[part.rows[at : at + BATCH], view], device)).float().cpu()
        for at in range(0, len(part.label), BATCH)
    ]
    return torch.cat(found) if found else torch.zeros(0, EMBEDDING)


def accuracy(logits: Tensor, label: Ints) -> float:
    """The share whose greatest logit is the right one."""
    return float((logits.argmax(1) == torch.from_numpy(label)).double().mean()) if len(label) else 0.0


def tensor(maps: Any, device: torch.device) -> Tensor:
    """Cached maps as a network wants them."""
    x = torch.from_numpy(np.ascontiguousarray(maps)).to(device).float()
    return x.contiguous(memory_format=torch.channels_last)
