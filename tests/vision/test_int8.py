"""A network in 8-bit integers says what it said in floats."""

import numpy as np
import pytest

from services.vision.domain.image import SIDE
from services.vision.training import publish

torch = pytest.importorskip("torch", reason="pip install '.[train]' makes it run")


class Cut(torch.nn.Module):
    """A convolution that gives up to 1,000, cut at 6, and the means of what is left as logits."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first = torch.nn.Conv2d(3, 16, 3, stride=16)
        self.last = torch.nn.Conv2d(16, 8, 1)
        with torch.no_grad():
            self.first.weight.copy_(torch.randn(self.first.weight.shape, generator=generator))
            self.first.weight[0] *= 300
            self.last.weight.copy_(torch.randn(self.last.weight.shape, generator=generator))

    def forward(self, pixels):
        """See services/vision/network.py: probabilities and embedding."""
        x = (pixels.permute(0, 3, 1, 2).float() - 127) / 128
        found = torch.nn.functional.hardtanh(self.first(x), 0.0, 6.0)
        found = self.last(found).mean((2, 3))
        return found.softmax(1), found


def test_what_an_activation_cuts_off_does_not_widen_the_steps(tmp_path):
    from services.vision.training import export, int8

    export.write(Cut().eval(), tmp_path / "model.onnx")
    drawn = np.random.default_rng(1).integers(0, 256, (24, SIDE, SIDE, 3), dtype=np.uint8)
    int8.quantise(tmp_path / "model.onnx", tmp_path / "small.onnx", drawn[:16])
    plain, small = (publish.see(tmp_path / name, drawn[16:]) for name in ("model.onnx", "small.onnx"))
    spread = plain.embeddings.std(axis=0).mean()
    assert np.abs(plain.embeddings - small.embeddings).mean() < 0.5 * spread
    assert not (tmp_path / "small.ready").exists()


def test_it_takes_a_networks_place_when_it_says_the_same(tmp_path):
    from services.vision.training import export, int8

    model = tmp_path / "model.onnx"
    export.write(Cut().eval(), model)
    drawn = np.random.default_rng(1).integers(0, 256, (24, SIDE, SIDE, 3), dtype=np.uint8)
    before = publish.see(model, drawn).probabilities.argmax(1)
    floats = model.read_bytes()
    told = int8.replace(model, drawn[:16], drawn, before)
    assert told["int8_lost"] <= int8.MOST_LOST
    assert told["int8_serves"] == 1
    assert told["int8_same"] == 1 - told["int8_lost"]  # its own answers are the labels here
    assert model.read_bytes() != floats
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_one_that_loses_too_much_is_refused_told_and_the_other_stays(tmp_path, monkeypatch):
    from services.vision.training import export, int8

    model = tmp_path / "model.onnx"
    export.write(Cut().eval(), model)
    floats = model.read_bytes()
    monkeypatch.setattr(int8, "MOST_LOST", -0.001)  # nothing may be lost, not even nothing
    drawn = np.random.default_rng(1).integers(0, 256, (24, SIDE, SIDE, 3), dtype=np.uint8)
    before = publish.see(model, drawn).probabilities.argmax(1)
    told = int8.replace(model, drawn[:8], drawn, before)
    assert told["int8_serves"] == 0
    assert told["int8_lost"] > int8.MOST_LOST
    assert model.read_bytes() == floats
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
