"""The tail is tuned: cut short it ends where it would have, and it stands beside the frozen one."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: install aisle[train]")

import torch

from services.kit.checkpoints import Checkpoint
from services.kit.progress import Progress, silent
from services.vision import photos
from services.vision.network import published
from services.vision.training import features, parts, tuning
from services.vision.training.classifier import Head
from services.vision.training.joined import joined
from services.vision.training.ridge import closed_form
from tests.vision.shapes import table

CUT = """
import os, signal, sys
from pathlib import Path
from tests.vision.test_tuning import lesson, settings
settings()
from services.vision.training import tuning
plain, steps = tuning._Run._loss, []
def cut(self, logits, target):
    steps.append(1)
    if len(steps) == 8:  # of three an epoch: in the middle of the third
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(self, logits, target)
tuning._Run._loss = cut
lesson(Path(sys.argv[1])).tuned(Path(sys.argv[2]))
"""


class Lesson(NamedTuple):
    """Ten photos and their features, and the head that tuning begins with."""

    photos: list[photos.Photo]
    part: parts.Part
    start: parts.Fitted

    def tuned(self, checkpoint: Path, progress: Progress = silent) -> parts.Fitted:
        """After all epochs."""
        group = np.array([0, 0, 1])
        return tuning.tuned(self.start, self.part, self.part, group, progress, Checkpoint(checkpoint), "x")


def settings() -> None:
    """Three epochs of three steps."""
    tuning.EPOCHS, tuning.BATCH = 3, 4  # type: ignore[misc]


def lesson(labels: Path) -> Lesson:
    """Of a table; features are kept beside it, so that they are made once."""
    mine, network = photos.read(labels)[::3][:10], published()
    names = photos.classes(mine)
    kept = features.cached(mine, "lite0", network, labels.parent / "features", silent, 2)
    label = np.array([names.index(photo.label) for photo in mine])
    part = parts.Part(*kept[:3], np.arange(len(mine)), label, parts.balance(label, len(names)))
    return Lesson(mine, part, closed_form(network, part, part, len(names)))


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return table(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def mine(labels: Path) -> Lesson:
    return lesson(labels)


def test_killed_in_the_middle_of_an_epoch_it_ends_where_it_would_have(
    labels: Path, mine: Lesson, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("EPOCHS", "BATCH"):
        monkeypatch.setattr(tuning, name, getattr(tuning, name))  # as they were, in the end
    settings()
    told = list[str]()
    whole = mine.tuned(tmp_path / "whole.pt")
    words = [sys.executable, "-c", CUT, str(labels), str(tmp_path / "cut.pt")]
    cut = subprocess.run(words, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, check=False)
    assert cut.returncode == -signal.SIGKILL
    again = mine.tuned(tmp_path / "cut.pt", lambda what, done, total: told.append(what.split(",")[0]))
    assert told == ["tuning goes on after epoch 2", "epoch 3"]
    assert torch.equal(again.head.linear.weight, whole.head.linear.weight)
    assert torch.equal(again.network._conv_head.weight, whole.network._conv_head.weight)
    assert not torch.equal(again.network._conv_head.weight, mine.start.network._conv_head.weight)
    assert not (tmp_path / "cut.pt").exists()


def test_two_tails_are_one_network_that_says_their_mean(mine: Lesson):
    other = mine.start._replace(head=Head(torch.zeros(2816), torch.ones(2816), 3))
    pixels = torch.from_numpy(np.stack([photos.views(photo, 1)[0] for photo in mine.photos]))
    both, confidence, together = joined([mine.start, other], mine.part, mine.part, "both")
    with torch.no_grad():
        probabilities, embeddings = both(pixels)
        given = mine.start.network.trunk(pixels)
        (one, mine_near), (two, other_near) = (member(*given) for member in both.members)
    assert together == pytest.approx(parts.accuracy(probabilities, mine.part.label))
    assert torch.allclose(probabilities, ((one + two) / 2).softmax(1), atol=1e-5)
    assert 0 < confidence.unknown_below <= 1
    assert embeddings.shape[1] == both.size == mine_near.shape[1] + other_near.shape[1]
    expected = (mine_near @ mine_near.T + other_near @ other_near.T) / 2
    assert torch.allclose(embeddings @ embeddings.T, expected, atol=1e-4)  # its cosine is theirs, in the mean


def test_the_best_head_has_the_least_cross_entropy_and_not_the_most_that_are_right(mine: Lesson):
    right = mine.start.head.linear
    unsure = Head(mine.start.head.centre, mine.start.head.scale, 3)
    with torch.no_grad():
        noise = torch.randn(right.weight.shape, generator=torch.Generator().manual_seed(0))
        unsure.linear.weight.copy_(right.weight + noise)
        unsure.linear.bias.copy_(right.bias)
    # What it says of its accuracy does not count.
    fitted = [mine.start, mine.start._replace(head=unsure, accuracy=1.0)]
    losses = {name: joined(fitted, mine.part, mine.part, name)[1].loss for name in ("ridge", "tuned", "both")}
    assert losses["ridge"] < losses["tuned"]
    best, confidence, _ = joined(fitted, mine.part, mine.part, "best")
    assert confidence.loss == min(losses.values())
    assert len(best.members) == (2 if losses["both"] < losses["ridge"] else 1)


def test_a_head_may_be_blind_to_the_levels(mine: Lesson):
    seen = parts.features(published(), mine.part)
    other = torch.cat((torch.rand(seen[:, :-1280].shape), seen[:, -1280:]), 1)
    blind = closed_form(published(), mine.part, mine.part, 3, levels=False)
    assert torch.equal(blind.head(seen), blind.head(other))
    assert not torch.equal(mine.start.head(seen), mine.start.head(other))
