"""Tunes the tail and the head on the trunk's cached features."""

import copy
import hashlib
from typing import Any, Final, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from services.kit.checkpoints import Checkpoint
from services.kit.progress import Progress
from services.vision.network import EfficientNetLite
from services.vision.training.classifier import Head
from services.vision.training.parts import BATCH, Fitted, Ints, Part, accuracy, features, tensor

EPOCHS: Final = 20
PATIENCE: Final = 8
"""Epochs without a better one after which it ends; those while the rate still rises do not count."""

RISING: Final = 0.3
"""The share of epochs in which the rate rises to RATE and HEAD_RATE; then it falls to nothing."""

RATE: Final = 5e-4
HEAD_RATE: Final = 7.5e-4
DECAY: Final = 0.02
SMOOTHING: Final = 0.1
DROPOUT: Final = 0.2

MIX: Final = 0.3
"""Photos are mixed by a share drawn from Beta(MIX, MIX) (Zhang et al. 2018), here as the trunk sees them."""

GROUPS: Final = 0.5
"""What taking a photo for another group costs, besides what taking it for another class does."""

AVERAGED: Final = 2.0
"""Epochs over which weights are averaged (Polyak 1992): the average is what is kept."""


class Tuned(nn.Module):
    """A network's tail with a head, as one thing to tune and to average."""

    def __init__(self, network: EfficientNetLite, head: Head) -> None:
        super().__init__()
        self.network, self.head = network, head

    def forward(self, maps: Tensor, levels: Tensor) -> Tensor:
        """What the trunk gives to logits (n, classes)."""
        even = self.head.even(torch.cat((levels, self.network.tail(maps)), 1))
        logits: Tensor = self.head.linear(nn.functional.dropout(even, DROPOUT))
        return logits


def tuned(
    start: Fitted,
    teach: Part,
    choose: Part,
    group: Ints,
    progress: Progress,
    checkpoint: Checkpoint,
    name: str,
) -> Fitted:
    """The tail and head after some epochs of AdamW, its rate rising and falling; the best average is kept.

    An epoch sees each photo once, in one of its views, turned over by chance and mixed with another; `group`
    (classes,) is each class's group. Normalisation stays as ImageNet left it, since a batch of a few classes
    would mislead it. On a GPU it runs in bfloat16, channels last, compiled. Cut short, it goes on from its
    checkpoint, after the last whole epoch.
    """
    run = _Run(start, teach, group)
    key = _key(teach, choose, name)
    best, kept, since, epoch = -1.0, _copy(run.model), 0, 0
    if (state := checkpoint.load(key, run.device)) is not None:
        run.load(state["run"])
        best, kept, since, epoch = state["best"], state["kept"], state["since"], state["epoch"]
        progress(f"tuning goes on after epoch {epoch}", epoch, EPOCHS)
    while epoch < EPOCHS and since < PATIENCE:
        run.epoch(epoch)
        epoch += 1
        right = run.accuracy(choose)
        # Of equals the later one: it has seen more, at a lower rate.
        best, kept, since = (right, _copy(run.average), 0) if right >= best else (best, kept, since + 1)
        if epoch <= RISING * EPOCHS:
            since = 0
        state = {"run": run.state(), "best": best, "kept": kept, "since": since, "epoch": epoch}
        checkpoint.save(key, state)
        progress(f"epoch {epoch}, accuracy {right:.3f}", epoch, EPOCHS)
    run.model.load_state_dict(kept)
    checkpoint.clear()
    return Fitted(run.model.network.cpu(), run.model.head.cpu(), best)


class _Run:
    """A training at work: the model, its average, and what changes them."""

    def __init__(self, start: Fitted, teach: Part, group: Ints) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = Tuned(copy.deepcopy(start.network), copy.deepcopy(start.head)).to(self.device).eval()
        self._call = torch.compile(self.model) if self.device.type == "cuda" else self.model
        self._teach = teach
        self._views, self._steps = teach.maps.shape[1], -(-len(teach.label) // BATCH)
        self._inside = nn.functional.one_hot(torch.from_numpy(group)).float().to(self.device)
        decay = 1 - 1 / max(2.0, AVERAGED * self._steps)
        self._averaged = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]
        self._optimiser = torch.optim.AdamW(
            [
                {"params": list(self.model.network.tail_parameters()), "lr": RATE},
                {"params": list(self.model.head.parameters()), "lr": HEAD_RATE},
            ],
            weight_decay=DECAY,
        )
        self._rate = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, [RATE, HEAD_RATE], total_steps=EPOCHS * self._steps, pct_start=RISING
        )

    @property
    def average(self) -> Tuned:
        """The model with the average of its weights."""
        found: Any = self._averaged.module
        return cast(Tuned, found)

    def epoch(self, number: int) -> None:
        """Sees each photo once; the same for a number."""
        random = np.random.default_rng([0, number])
        torch.manual_seed(number)
        for photo in np.array_split(random.permutation(len(self._teach.label)), self._steps):
            maps, levels, target = self._mixed(np.sort(photo), random)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
                logits = self._call(maps, levels)
            self._optimiser.zero_grad(set_to_none=True)
            self._loss(logits.float(), target).backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
            self._rate.step()
            self._averaged.update_parameters(self.model)

    def _mixed(self, photo: Ints, random: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """What the trunk gives, and what it shows (n, classes), each row's sum the photo's weight."""
        teach = self._teach
        view = random.integers(0, self._views, len(photo))
        maps = tensor(teach.maps[teach.rows[photo], view], self.device)
        levels = tensor(teach.levels[teach.rows[photo], view], self.device)
        turned = torch.from_numpy(random.random(len(photo)) < 0.5).to(self.device)
        maps = torch.where(turned[:, None, None, None], maps.flip(3), maps)
        label = nn.functional.one_hot(torch.from_numpy(teach.label[photo]), len(self._inside))
        target = (torch.from_numpy(teach.weight[photo])[:, None] * label).to(self.device)
        share = float(random.beta(MIX, MIX))
        other = torch.from_numpy(random.permutation(len(photo))).to(self.device)
        maps, levels, target = (one.lerp(one[other], share) for one in (maps, levels, target))
        return maps, levels, target

    def _loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of classes, smoothed, and of groups, whose probabilities are their classes' sums."""
        weight = target.sum(1, keepdim=True)
        smooth = (1 - SMOOTHING) * target + SMOOTHING * weight / target.shape[1]
        classes = -(smooth * logits.log_softmax(1)).sum(1)
        inside = (logits.softmax(1) @ self._inside).clamp(min=1e-7).log()
        return (classes - GROUPS * (target @ self._inside * inside).sum(1)).mean()

    @torch.no_grad()
    def accuracy(self, choose: Part) -> float:
        """The average's accuracy."""
        seen = features(self.average.network, choose).to(self.device)
        return accuracy(self.average.head(seen).cpu(), choose.label)

    def state(self) -> dict[str, Any]:
        """What load() goes on from."""
        parts = self._parts().items()
        return {name: part.state_dict() for name, part in parts}

    def load(self, state: dict[str, Any]) -> None:
        """Goes on from a state."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "averaged": self._averaged,
            "optimiser": self._optimiser,
            "rate": self._rate,
        }


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in model.state_dict().items()}


def _key(teach: Part, choose: Part, name: str) -> str:
    """Of the photos, the network and what it is tuned by: a training with others does not go on from it."""
    settings = (
        EPOCHS,
        PATIENCE,
        RISING,
        RATE,
        HEAD_RATE,
        DECAY,
        SMOOTHING,
        DROPOUT,
        MIX,
        GROUPS,
        AVERAGED,
        BATCH,
    )
    found = hashlib.sha256(f"{name} {teach.maps.shape} {settings}".encode())
    for part in (teach, choose):
        found.update(part.label.tobytes())
    return found.hexdigest()
