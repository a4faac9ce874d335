"""The real network: exported, checked, and pinned by a few values on a real photograph."""

from pathlib import Path

import numpy as np
import pytest

from services.kit.models import ModelStore
from services.vision.adapters.memory import LocalInference
from services.vision.config import Config
from services.vision.train import train

COFFEE = "data/coffee.png"


async def test_training_publishes_a_network_that_knows_a_cup_of_coffee(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="install aisle[train]")
    skimage = pytest.importorskip("skimage", reason="install aisle[demo]")
    report = await train(Config(home=tmp_path))  # type: ignore[call-arg]
    assert report["promoted"]
    assert report["metrics"]["export_difference"]["value"] < 1e-5
    again = await train(Config(home=tmp_path))  # type: ignore[call-arg]
    assert (again["version"], again["promoted"]) == (report["version"], False)

    model = ModelStore(tmp_path, "vision").current()
    assert model is not None
    inference = LocalInference()
    inference.take(model.path, "efficientnet_lite0:1")
    seen = await inference.see((Path(skimage.__file__).parent / COFFEE).read_bytes())
    names = seen.classes.names
    assert len(names) == 1000
    assert (names[0], names[948], names[999]) == ("tench", "Granny Smith", "toilet tissue")
    assert not seen.unknown
    assert seen.top(1)[0].name == "espresso"
    assert seen.top(1)[0].confidence == pytest.approx(0.951, abs=0.01)
    assert seen.embedding.shape == (1280,)
    assert float(np.linalg.norm(seen.embedding)) == pytest.approx(1, abs=1e-5)
