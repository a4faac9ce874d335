"""Fits a shop's own classes: a closed-form head on frozen features, or the tail tuned on the trunk's."""

import copy
import hashlib
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from services.kit.checkpoints import Checkpoint
from services.kit.progress import Progress
from services.vision.network import EMBEDDING, EfficientNetLite

RIDGES: Final = (0.1, 1.0, 10.0, 100.0)
"""What the head's ridge may be, over the mean square of a feature; the photos that choose say which."""

SHARP: Final = 20.0
"""A ridge head's scores lie between 0 and 1: times this they are logits, before the temperature."""

EPOCHS: Final = 24
PATIENCE: Final = 12
BATCH: Final = 64
RATE: Final = 5e-4
HEAD_RATE: Final = 2e-3
DECAY: Final = 0.02
SMOOTHING: Final = 0.1
DROPOUT: Final = 0.2

Ints = npt.NDArray[np.int64]


class Part(NamedTuple):
    """The trunk's features (all, views, ...), the rows of photos there, each one's class, and its weight."""

    features: Any
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
    """(photos, EMBEDDING) of one view, by batches: the trunk's features may be larger than memory."""
    network.eval()
    device = next(network.parameters()).device
    found = [
        network.tail(_tensor(part.features[part.rows[at : at + BATCH], view], device)).float().cpu()
        for at in range(0, len(part.label), BATCH)
    ]
    return torch.cat(found) if found else torch.zeros(0, EMBEDDING)


def closed_form(network: EfficientNetLite, teach: Part, choose: Part, classes: int) -> Fitted:
    """The head of least squares on frozen features of all views, its ridge the one that chooses best."""
    views = range(teach.features.shape[1])
    x = torch.cat([pooled(network, teach, view) for view in views]).double()
    weight = torch.from_numpy(np.tile(teach.weight, len(views))).double()
    wanted = nn.functional.one_hot(torch.from_numpy(np.tile(teach.label, len(views))), classes).double()
    mean = (weight[:, None] * x).sum(0) / weight.sum()
    target = (weight[:, None] * wanted).sum(0) / weight.sum()
    centred = x - mean
    gram = centred.T @ (weight[:, None] * centred)
    right = centred.T @ (weight[:, None] * (wanted - target))
    held = pooled(network, choose)
    heads = []
    for ridge in RIDGES:
        eye = torch.eye(EMBEDDING, dtype=torch.float64) * ridge * weight.sum() * centred.square().mean()
        solved = torch.linalg.solve(gram + eye, right)
        head = nn.Linear(EMBEDDING, classes)
        with torch.no_grad():
            head.weight.copy_(SHARP * solved.T)
            head.bias.copy_(SHARP * (target - mean @ solved))
        heads.append(Fitted(network, head, accuracy(head(held), choose.label)))
    return max(heads, key=lambda one: one.accuracy)


def tuned(
    start: Fitted, teach: Part, choose: Part, progress: Progress, checkpoint: Checkpoint, name: str
) -> Fitted:
    """The tail and head after some epochs of AdamW, its rate rising and falling; the best weights are kept.

    An epoch sees each photo once, in one of its views.

    Normalisation stays as ImageNet left it, since a batch of a few classes would mislead it. On a GPU it runs
    in bfloat16, channels last, compiled. Cut short, it goes on from its checkpoint, after the last whole
    epoch.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network, head = copy.deepcopy(start.network).to(device).eval(), copy.deepcopy(start.head).to(device)
    tail: Callable[[Tensor], Tensor] = torch.compile(network.tail) if device.type == "cuda" else network.tail
    groups = [
        {"params": list(network.tail_parameters()), "lr": RATE},
        {"params": list(head.parameters()), "lr": HEAD_RATE},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=DECAY)
    views, count = teach.features.shape[1], len(teach.label)
    steps = EPOCHS * -(-count // BATCH)
    rates = [RATE, HEAD_RATE]
    falling = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=steps, pct_start=0.2)
    key = _key(teach, choose, name)
    best, kept, since, epoch = start.accuracy, _copy(network, head), 0, 0
    if (state := checkpoint.load(key, device)) is not None:
        network.load_state_dict(state["network"])
        head.load_state_dict(state["head"])
        optimiser.load_state_dict(state["optimiser"])
        falling.load_state_dict(state["falling"])
        best, kept, since, epoch = state["best"], state["kept"], state["since"], state["epoch"]
    while epoch < EPOCHS and since < PATIENCE:
        random = np.random.default_rng([0, epoch])
        torch.manual_seed(epoch)
        for photo in np.array_split(random.permutation(count), steps // EPOCHS):
            photo = np.sort(photo)
            view = random.integers(0, views, len(photo))
            x = _tensor(teach.features[teach.rows[photo], view], device)
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                logits = head(nn.functional.dropout(tail(x), DROPOUT))
            loss = nn.functional.cross_entropy(
                logits.float(),
                torch.from_numpy(teach.label[photo]).to(device),
                reduction="none",
                label_smoothing=SMOOTHING,
            )
            weight = torch.from_numpy(teach.weight[photo]).to(device)
            optimiser.zero_grad(set_to_none=True)
            (loss * weight).mean().backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            falling.step()
        epoch += 1
        with torch.no_grad():
            right = accuracy(head.cpu()(pooled(network, choose)), choose.label)
            head.to(device)
        best, kept, since = (right, _copy(network, head), 0) if right > best else (best, kept, since + 1)
        checkpoint.save(
            key,
            {
                "network": network.state_dict(),
                "head": head.state_dict(),
                "optimiser": optimiser.state_dict(),
                "falling": falling.state_dict(),
                "best": best,
                "kept": kept,
                "since": since,
                "epoch": epoch,
            },
        )
        progress(f"epoch, accuracy {right:.3f}", epoch, EPOCHS)
    network.load_state_dict(kept["network"])
    head.load_state_dict(kept["head"])
    checkpoint.clear()
    return Fitted(network.cpu(), head.cpu(), best)


def accuracy(logits: Tensor, label: Ints) -> float:
    """The share whose greatest logit is the right one."""
    return float((logits.argmax(1) == torch.from_numpy(label)).double().mean()) if len(label) else 0.0


def _tensor(values: Any, device: torch.device) -> Tensor:
    x = torch.from_numpy(np.ascontiguousarray(values)).to(device).float()
    return x.contiguous(memory_format=torch.channels_last)


def _copy(network: nn.Module, head: nn.Module) -> dict[str, dict[str, Tensor]]:
    parts = {"network": network, "head": head}
    return {
        name: {key: value.detach().clone() for key, value in part.state_dict().items()}
        for name, part in parts.items()
    }


def _key(teach: Part, choose: Part, name: str) -> str:
    found = hashlib.sha256(name.encode())
    for part in (teach, choose):
        found.update(part.label.tobytes())
    return found.hexdigest()
