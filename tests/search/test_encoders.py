"""The suite that every adapter of Encoder passes, and pins of the real one."""

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from services.kit.models import Model, ModelStore
from services.kit.progress import silent
from services.search.adapters.memory import ConceptEncoder
from services.search.adapters.onnx_encoder import DIMENSION, MODEL_FILE
from services.search.adapters.triton_encoder import TritonEncoder
from services.search.adapters.triton_texts import TritonTexts
from services.search.config import Config
from services.search.domain.ports import Encoder
from services.search.server import encoder_of
from services.search.train import SAMPLE, train


def test_training_is_measured_and_not_repeated(trained_home: Path, model: Model) -> None:
    assert model.metrics["int8_cosine_least"]["value"] > 0.97
    again = asyncio.run(train(Config(home=trained_home), progress=silent))
    assert (again["version"], again["promoted"]) == (model.version, False)


@pytest.fixture(params=["onnx", "triton", "concepts"])
def encoder(request: pytest.FixtureRequest, model: Model) -> Encoder:
    if request.param == "triton":
        return TritonEncoder(model, request.getfixturevalue("texts"))
    return encoder_of(model) if request.param == "onnx" else ConceptEncoder({})


def test_vectors_have_length_one_and_do_not_depend_on_neighbours(encoder: Encoder) -> None:
    texts = ["oat milk", "", "牛奶", "milk " * 5_000, "a\0b \U0001f95b"]
    together = encoder.encode(texts)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(5), abs=1e-3)
    for text, row in zip(texts, together, strict=True):
        assert np.array_equal(encoder.encode([text])[0], row)
    assert encoder.encode([]).shape == (0, together.shape[1])
    assert encoder.encode(["only spaces", "  "]).shape == (2, together.shape[1])


def test_many_texts_stand_in_their_order_whoever_asks_at_once(encoder: Encoder) -> None:
    texts = [f"product number {number} " + "of many words " * (number % 7) for number in range(50)]
    alone = [encoder.encode([text])[0] for text in texts]
    assert np.array_equal(encoder.encode(texts), alone)
    with ThreadPoolExecutor(4) as pool:
        for rows in pool.map(encoder.encode, [texts] * 4):
            assert np.array_equal(rows, alone)


def test_half_a_surrogate_is_refused_and_the_next_text_is_encoded(encoder: Encoder) -> None:
    if isinstance(encoder, ConceptEncoder):
        return  # it reads no bytes
    with pytest.raises((TypeError, UnicodeError)):
        encoder.encode(["oat \ud800 milk"])
    assert encoder.encode(["oat milk"]).shape == (1, DIMENSION)


def test_triton_gives_the_vectors_of_this_process_and_the_same_tag(model: Model, texts: TritonTexts) -> None:
    there, here = TritonEncoder(model, texts), encoder_of(model)
    some = [*SAMPLE, "", "word " * 200]
    assert there.encode(some) == pytest.approx(here.encode(some), abs=1e-3)
    assert there.tag == here.tag
    assert [there.knows(word) for word in ("cola", "zzgx")] == [True, False]


def test_the_real_encoder_gives_its_canonical_values(model: Model) -> None:
    rows = encoder_of(model).encode(["oat milk", "a drink made from oats", "usb stick"])
    cosines = rows @ rows.T
    assert cosines[0, 1] == pytest.approx(0.729, abs=0.03)
    assert cosines[0, 2] == pytest.approx(0.131, abs=0.03)


def test_a_model_cut_in_half_is_refused(model: Model, tmp_path: Path) -> None:
    store = ModelStore(tmp_path, "search")
    whole = store.create(lambda to: shutil.copytree(model.path, to, dirs_exist_ok=True), metrics={}, span={})
    cut = store.create(lambda to: shutil.copytree(model.path, to, dirs_exist_ok=True), metrics={}, span={})
    half = (cut.path / MODEL_FILE).read_bytes()
    (cut.path / MODEL_FILE).write_bytes(half[: len(half) // 2])
    current = store.current()
    assert current is not None
    assert current.version == whole.version, "the checksum tells, and the whole one serves"
    with pytest.raises(Exception, match=r"(?i)protobuf|parse|invalid"):
        encoder_of(cut)
