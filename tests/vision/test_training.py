"""Training on a shop's own photos: from a table to a network that recognises them."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: install aisle[train]")

import torch

from services.kit.models import ModelStore
from services.kit.progress import silent
from services.vision import photos
from services.vision.adapters.memory import LocalInference
from services.vision.config import Config
from services.vision.domain.image import pixels
from services.vision.measures import area_under, calibration_error
from services.vision.network import published
from services.vision.train import train
from services.vision.training import features, parts
from services.vision.training.finish import calibrated, projection
from tests.vision.shapes import SHAPES, drawn, table


@pytest.fixture(scope="module", name="table")
def _table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return table(tmp_path_factory.mktemp("photos"))


# 20 seconds of CPU, most of them torch's import and its export to ONNX, whatever the photos: on cores that
# five others use they take two minutes.
@pytest.mark.timeout(400)
async def test_a_shop_photographs_its_shelf_and_recognises_it(table: Path, tmp_path: Path):
    config, page = Config(home=tmp_path), tmp_path / "page.html"  # type: ignore[call-arg]
    report = await train(config, images=table, head="ridge", precision="int8", report=page, progress=silent)
    assert report["promoted"]
    assert report["metrics"]["int8_lost"]["value"] <= 0.005
    assert (report["span"]["classes"], report["span"]["rejected"]) == ("3", "2")
    model = ModelStore(tmp_path, "vision").current()
    assert model is not None
    assert (model.path / "rejects.txt").read_text().split() == ["broken.jpg", "missing.jpg"]
    inference = LocalInference()
    inference.take(model.path, "own:1")
    right = 0
    for number in range(20, 26):
        for shape in SHAPES:
            drawn(shape, number).save(tmp_path / "new.png")
            seen = await inference.see((tmp_path / "new.png").read_bytes())
            assert float(seen.probabilities.sum()) == pytest.approx(1, abs=1e-4)
            assert float(np.linalg.norm(seen.embedding)) == pytest.approx(1, abs=1e-4)
            top = seen.top(1)[0]
            right += top.name == shape
            assert top.product_ids == (f"the-{top.name}",)
    assert right >= 15
    assert "Confusion" in page.read_text()
    assert (await train(config, progress=silent))["version"] == model.version  # not replaced unasked


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n", "columns path and label"),
        ("path,label\nx.jpg,\n", "line 2"),
        ("path,label\nx.jpg,one\n", "at least 2 labels"),
    ],
)
async def test_a_table_that_cannot_be_learnt_from_is_refused(tmp_path: Path, text: str, told: str):
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(ValueError, match=told):
        await train(Config(home=tmp_path), images=tmp_path / "labels.csv")  # type: ignore[call-arg]
    assert not list((tmp_path / "models").rglob("*.onnx"))


@pytest.mark.parametrize("wrong", [{"head": "none"}, {"precision": "int4"}])
async def test_options_that_there_are_not_are_refused(table: Path, tmp_path: Path, wrong: dict[str, str]):
    with pytest.raises(ValueError, match="is one of"):
        await train(Config(home=tmp_path), images=table, **wrong)  # type: ignore[call-arg, arg-type]


def test_features_cut_short_go_on_and_are_the_same(table: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(features, "BATCH", 4)
    mine, network = photos.read(table)[:10], published()
    whole = features.cached(mine, "lite0", network, tmp_path / "whole", silent, 2)

    def stop(what: str, done: int, total: int) -> None:
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        features.cached(mine, "lite0", network, tmp_path / "cut", stop, 2)
    done: list[int] = []
    again = features.cached(
        mine, "lite0", network, tmp_path / "cut", lambda what, at, total: done.append(at), 2
    )
    assert done == [8, 10]
    assert np.array_equal(again.maps, whole.maps)


def test_a_view_is_the_same_again_and_the_first_is_what_is_served(table: Path):
    photo = photos.read(table)[0]
    seen = photos.views(photo, 3)
    assert (seen == photos.views(photo, 3)).all()
    assert (seen[0] == pixels(photo.path.read_bytes())).all()
    assert not (seen[1] == seen[2]).all()


def test_of_each_class_a_share_chooses(table: Path):
    teach, choose = photos.split(photos.read(table))
    assert {photo.label for photo in choose} == set(SHAPES)
    assert not set(teach) & set(choose)
    assert len(teach) + len(choose) == 32


def test_confidence_is_cooled_to_how_often_it_is_right():
    draw = torch.Generator().manual_seed(0)
    label = torch.randint(0, 4, (2000,), generator=draw)
    logits = torch.randn(2000, 4, generator=draw)
    logits[torch.arange(2000), label] += 1.0
    found = calibrated(8 * logits, label.numpy())
    assert found.temperature == pytest.approx(8, rel=0.25)
    first = (8 * logits / found.temperature).softmax(1).amax(1).double().numpy()
    right = logits.argmax(1).numpy() == label.numpy()
    assert calibration_error(first, right) < 0.05 < calibration_error(np.ones(2000), right)
    assert float((first >= found.unknown_below).mean()) == pytest.approx(0.95, abs=0.01)


def test_the_projection_brings_photos_of_one_thing_together():
    draw = np.random.default_rng(0)
    label = np.repeat(np.arange(20), 15)
    things = draw.normal(0, 1, (20, 40))
    light = draw.normal(0, 1, (3, 40)) * 8  # three directions in which all photos differ, whatever they show
    x = things[label] + draw.normal(0, 1, (300, 3)) @ light
    embed = projection(torch.from_numpy(x), label, 20)

    def neighbours(vectors: np.ndarray) -> float:
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        cosines = vectors @ vectors.T
        np.fill_diagonal(cosines, -2)
        return float((label[cosines.argmax(1)] == label).mean())

    made = embed(torch.from_numpy(x).float()).detach()
    assert made.shape[1] == 40
    assert neighbours(made.numpy()) > 0.95 > neighbours(x - x.mean(0)) + 0.3


def test_a_rare_class_is_heard():
    label = np.array([0] * 90 + [1] * 10)
    weight = parts.balance(label, 2)
    assert weight.mean() == pytest.approx(1)
    assert weight[-1] / weight[0] == pytest.approx(3)


def test_the_area_counts_pairs_in_the_right_order():
    assert area_under(np.array([0.9, 0.8]), np.array([0.1, 0.8])) == pytest.approx(0.875)


def test_what_stands_beside_the_network_can_be_read(table: Path, tmp_path: Path):
    from services.vision.training.publish import describe

    describe(tmp_path, ["ball", "box"], photos.read(table), {"embedding": 5})
    told = json.loads((tmp_path / "model.json").read_text())
    assert (told["labels"], told["embedding"]) == (2, 5)
    assert told["products"]["ball"] == ["the-ball"]
    assert told["groups"]["stripes"] == "flat"


def test_what_serves_stays_when_it_is_right_more_often(table: Path, tmp_path: Path):
    from services.vision.training.own import worse
    from tests.vision.pictures import BLUE, RED, encoded, picture, publish

    mine, seen = [], []
    for name, colour in (("red", RED), ("blue", BLUE)):
        (tmp_path / f"{name}.png").write_bytes(encoded(picture(colour), "PNG"))
        mine.append(photos.Photo(tmp_path / f"{name}.png", name))
        seen.append(photos.views(mine[-1], 1)[0])
    serving, pictures = publish(tmp_path), np.stack(seen)
    assert worse(serving, mine, pictures, reached=0.9)
    assert not worse(serving, mine, pictures, reached=1.0)
    other = [photos.Photo(photo.path, "lilac") for photo in mine]
    assert not worse(serving, other, pictures, reached=0.0)  # it knows other classes: they do not compare
