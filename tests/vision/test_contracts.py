"""What every adapter of a port does alike: the model in Triton or here, the vectors in FAISS or in a dict."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from services.kit.triton.repository import version_of
from services.vision.adapters.faiss_vectors import FaissVectors
from services.vision.adapters.memory import LocalInference, MemoryVectors
from services.vision.adapters.triton import Triton
from services.vision.domain.image import ImageError
from services.vision.domain.ports import Inference, Vectors
from services.vision.triton.repository import Repository
from tests.triton import TritonProcess
from tests.vision.pictures import BLUE, GREEN, NAMES, RED, encoded, picture, publish, published
from tests.vision.test_image import REFUSED


@pytest.fixture(params=["local", "triton"])
async def inference(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Inference]:
    if request.param == "local":
        model = publish(tmp_path)
        local = LocalInference()
        local.take(model.path, f"efficientnet_lite0:{version_of(model)}")
        yield local
        return
    process: TritonProcess = request.getfixturevalue("triton")
    triton = Triton(process.url, Repository(process.home), seconds=10)
    triton.take(published(process.home))
    yield triton
    await triton.close()


async def test_it_sees_colours(inference: Inference) -> None:
    for form, name, colour in zip(("JPEG", "PNG", "WEBP"), NAMES, (RED, GREEN, BLUE), strict=True):
        seen = await inference.see(encoded(picture(colour), form))
        assert seen.top(1)[0].name == name
        assert seen.top(1)[0].confidence > 0.99
        assert float(seen.probabilities.sum()) == pytest.approx(1, abs=1e-5)
        assert float(np.linalg.norm(seen.embedding)) == pytest.approx(1, abs=1e-5)
        assert seen.model == inference.models[-1]
        assert seen.model.startswith("efficientnet_lite0:")


async def test_it_refuses_bad_pictures_and_sees_the_next(inference: Inference) -> None:
    for name in ("truncated jpeg", "truncated png", "gif", "text", "bomb", "animated webp"):
        data, reason = REFUSED[name]
        with pytest.raises(ImageError) as caught:
            await inference.see(data)
        assert caught.value.reason == reason, name
    assert (await inference.see(encoded(picture(RED)))).top(1)[0].name == "red"


@pytest.mark.parametrize("make", [FaissVectors, MemoryVectors])
def test_vectors_are_found_nearest_first_and_gone_when_removed(make: Callable[[], Vectors]) -> None:
    def unit(*values: float) -> np.ndarray:
        return np.array(values, np.float32) / np.float32(np.linalg.norm(values))

    vectors = make()
    assert vectors.search(unit(1, 0), 5) == []
    vectors.update([("east", unit(1, 0)), ("north", unit(0, 1)), ("between", unit(1, 1))], ())
    found = vectors.search(unit(1, 0.1), 5)
    assert [key for key, _ in found] == ["east", "between", "north"]
    assert found[0][1] == pytest.approx(0.995, abs=1e-3)
    assert len(vectors.search(unit(1, 0), 2)) == 2
    vectors.update([("north", unit(1, 0.1))], ["east", "unknown"])  # one moves, one goes
    assert [key for key, _ in vectors.search(unit(1, 0.1), 5)] == ["north", "between"]
    assert vectors.keys() == {"north", "between"}
    assert len(vectors) == 2
