"""A training's state in a file: whole or not there, and never passed over without a word."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="a checkpoint is torch's: install aisle[train]")

import torch

from services.kit.checkpoints import Checkpoint

CPU = torch.device("cpu")


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.msg["reason"] for record in caplog.records if isinstance(record.msg, dict)]


def test_a_state_comes_back_until_it_is_cleared(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    checkpoint = Checkpoint(tmp_path / "new" / "a.pt")
    assert checkpoint.load("mine", CPU) is None
    checkpoint.save("mine", {"epoch": 3, "weights": {"w": torch.ones(2)}})
    found = checkpoint.load("mine", CPU)
    assert found is not None
    assert (found["epoch"], found["weights"]["w"].tolist()) == (3, [1, 1])
    checkpoint.clear()
    assert checkpoint.load("mine", CPU) is None
    assert told(caplog) == []


def test_another_trainings_state_is_not_taken_and_that_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    checkpoint = Checkpoint(tmp_path / "a.pt")
    checkpoint.save("mine", {"epoch": 3})
    assert checkpoint.load("yours", CPU) is None
    assert told(caplog) == ["OTHER_TRAINING"]


@pytest.mark.parametrize("damage", ["half", "empty", "words", "pickle"])
def test_a_damaged_file_is_not_taken_and_that_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
):
    file = tmp_path / "a.pt"
    checkpoint = Checkpoint(file)
    checkpoint.save("mine", {"epoch": 3, "weights": torch.ones(1000)})
    whole = file.read_bytes()
    file.write_bytes(
        {"half": whole[: len(whole) // 2], "empty": b"", "words": b"a diary", "pickle": b"\x80\x02."}[damage]
    )
    assert checkpoint.load("mine", CPU) is None
    assert told(caplog) == ["UNREADABLE_CHECKPOINT"]


def test_what_was_being_written_when_the_power_went_does_not_count(tmp_path: Path):
    checkpoint = Checkpoint(tmp_path / "a.pt")
    checkpoint.save("mine", {"epoch": 3})
    (tmp_path / "a.pt.new").write_bytes(b"half of epoch 4")
    found = checkpoint.load("mine", CPU)
    assert found is not None
    assert found["epoch"] == 3
