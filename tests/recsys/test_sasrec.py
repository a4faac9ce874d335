"""The sequence model: what it learns, when it stops, what is exported, and that serving needs no torch."""

import subprocess
import sys

import numpy as np
import pytest

from services.kit.checkpoints import Checkpoint
from services.recsys.domain.interactions import interactions_of, past_of
from services.recsys.domain.models.sasrec import Sasrec, Settings, encoder

pytest.importorskip("torch", reason="training needs torch: install aisle[train]")

from services.recsys.domain.sequence import export as exporting
from services.recsys.domain.sequence.network import Network
from services.recsys.domain.sequence.windows import later, windows

RING = 8
SMALL = {
    "size": 16,
    "length": 4,
    "negatives": 32,
    "batch": 16,
    "ahead": 0.0,
    "least": 1,
    "dropout": 0.1,
    "rate": 0.02,
}


def ring(laps=10):
    """After each of eight items comes the next, and after the last the first."""
    pasts = [past_of([(first + step) % RING for step in range(6)]) for first in range(RING)]
    return interactions_of(RING, pasts * laps)


@pytest.fixture(scope="module")
def model():
    return Sasrec(**SMALL, epochs=20, patience=20).fit(ring())


@pytest.mark.parametrize("past", [[0], [3, 4], [5, 6, 7], [1, 2, 3, 4, 5, 6]])
def test_it_learns_what_comes_next(model, past):
    items, _ = model.recommend(model.state(past_of(past)), None, 1)
    assert items.tolist() == [(past[-1] + 1) % RING]


def test_pasts_are_cut_into_windows_that_foresee_each_item_once():
    data = interactions_of(9, [past_of([0, 1, 2, 3, 4, 5]), past_of([6]), past_of([7, 8])])
    cut = windows(data, 2)
    foreseen = [line for b, e in zip(cut.begin, cut.end, strict=True) for line in range(b, e)]
    assert sorted(foreseen) == [1, 2, 3, 4, 5, 8]  # all but the first of each past
    assert max(cut.end - cut.begin) == 2
    inputs, targets = cut.rows(np.array([2]))  # the oldest window of the first past has one item to foresee
    assert (inputs.tolist(), targets.tolist()) == ([[1]], [[2]])


def test_targets_are_at_times_what_came_later():
    targets, random = np.array([[1, 2, 3], [4, 5, 0]]).repeat(4000, 0), np.random.default_rng(0)
    drawn = later(targets, 0.5, random)
    shares = [[float((drawn[:4000, place] == item).mean()) for item in (1, 2, 3)] for place in range(3)]
    assert np.array(shares) == pytest.approx(
        np.array([[4, 2, 1], [0, 14 / 3, 7 / 3], [0, 0, 7]]) / 7, abs=0.03
    )
    assert set(drawn[4000:, 0]) == {4, 5}
    assert (drawn[4000:, 1:] == [5, 0]).all()
    assert later(targets, 0.0, random) is targets


def test_each_window_is_in_one_batch():
    cut = windows(ring(), 3)
    seen = np.concatenate(list(cut.batches(7, np.random.default_rng(1))))
    assert sorted(seen.tolist()) == list(range(len(cut.end)))


def test_training_stops_when_nothing_gets_better():
    epochs = []
    learnt = Sasrec(**SMALL, epochs=200, patience=2)
    learnt.fit(ring(), lambda what, done, total: epochs.append(done))
    assert epochs == list(range(1, len(epochs) + 1))
    assert len(epochs) < 200


def test_a_training_that_was_cut_short_ends_as_one_that_was_not(tmp_path):
    file, more = tmp_path / "deep" / "checkpoint", {"epochs": 6, "patience": 6}
    whole = Sasrec(**SMALL, **more).fit(ring())
    epochs = []

    def stop(what, done, total):
        epochs.append(done)
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Sasrec(checkpoint=Checkpoint(file), **SMALL, **more).fit(ring(), stop)
    again = Sasrec(checkpoint=Checkpoint(file), **SMALL, **more).fit(
        ring(), lambda what, done, total: epochs.append(done)
    )
    assert epochs == [1, 2, 3, 4, 5, 6]
    assert np.array_equal(again.table, whole.table)
    assert not file.exists()


@pytest.mark.parametrize("spoil", ["other data", "no checkpoint", "cut off"])
def test_what_is_no_checkpoint_of_this_training_is_not_gone_on_from(tmp_path, spoil):
    file = tmp_path / "checkpoint"

    def stop(what, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Sasrec(checkpoint=Checkpoint(file), **SMALL).fit(ring(laps=9 if spoil == "other data" else 10), stop)
    if spoil == "no checkpoint":
        file.write_text("nothing of the kind")
    if spoil == "cut off":
        file.write_bytes(file.read_bytes()[:1000])
    epochs = []
    again = Sasrec(checkpoint=Checkpoint(file), **SMALL, epochs=2)
    again.fit(ring(), lambda what, done, total: epochs.append(done))
    assert epochs == [1, 2]


def test_two_processes_learn_together_and_tell_each_epoch():
    epochs = []
    together = Sasrec(processes=2, **SMALL, epochs=40, patience=40)
    together.fit(ring(), lambda what, done, total: epochs.append(done))
    assert epochs == list(range(1, 41))
    for item in range(RING):
        items, _ = together.recommend(together.state(past_of([item])), None, 1)
        assert items.tolist() == [(item + 1) % RING]


def test_an_export_that_differs_is_refused(monkeypatch):
    monkeypatch.setattr(exporting, "TOLERANCE", -1.0)
    with pytest.raises(ValueError, match="differs from torch"):
        exporting.export(Network(RING, Settings(**SMALL)), Settings(**SMALL))


def test_what_is_no_graph_is_refused():
    with pytest.raises(ValueError, match="not a graph"):
        encoder(b"no graph")


def test_serving_needs_no_torch(model, tmp_path):
    np.savez(tmp_path / "model.npz", **model.arrays())
    code = (
        "import sys, numpy as np\n"
        "from services.recsys.domain.interactions import past_of\n"
        "from services.recsys.domain.models.sasrec import Sasrec\n"
        f"model = Sasrec.of(dict(np.load({str(tmp_path / 'model.npz')!r})))\n"
        "print(model.recommend(model.state(past_of([3, 4])), None, 1)[0].tolist(), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[5] False"
