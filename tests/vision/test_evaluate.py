"""Evaluation through the real Triton, on pictures whose right answer a reader sees by eye."""

from pathlib import Path

import pytest

from services.vision.adapters.triton import Triton
from services.vision.config import Config
from services.vision.evaluate import evaluate
from services.vision.triton.repository import Repository
from tests.vision.pictures import BLUE, RED, encoded, picture, publish


async def test_accuracies_and_unreadable_pictures_are_told(
    home: Path, triton_url: str, tmp_path: Path
) -> None:
    triton = Triton(triton_url, Repository(home))
    triton.take(publish(home))
    files = {"r1": RED, "r2": (240, 30, 20), "b1": BLUE, "b2": (20, 10, 200), "odd": (20, 10, 210)}
    for name, colour in files.items():
        (tmp_path / f"{name}.png").write_bytes(encoded(picture(colour), "PNG"))
    (tmp_path / "bad.png").write_bytes(b"bad")
    labels = {"r1": "red", "r2": "red", "b1": "blue", "b2": "blue", "odd": "red", "bad": "red"}
    table = tmp_path / "labels.csv"
    table.write_text(
        "path,label\n" + "".join(f"{name}.png,{label.lower()}\n" for name, label in labels.items())
    )
    config = Config(home=home, triton=triton_url)  # type: ignore[call-arg]
    shelf, page = tmp_path / "shelf.csv", tmp_path / "page.html"
    shelf.write_text("path,label\nr1.png,red\nb1.png,blue\n")
    report = await evaluate(config, images=table, catalogue=shelf, report=page)
    assert (report["pictures"], report["unreadable"], report["named"]) == (5, 1, 5)
    top = report["metrics"]["top1_accuracy"]
    assert top["value"] == pytest.approx(0.8)  # "odd" is blue
    assert top["low"] < 0.8 < top["high"]
    assert report["metrics"]["neighbour_accuracy"]["value"] == pytest.approx(0.4)  # red with red
    assert report["metrics"]["images_per_second"]["value"] > 0
    assert report["metrics"]["catalogue_recall1"]["value"] == pytest.approx(0.8)
    # Five photos beside the two pictures of the shelf, one of which is another colour; then the miss again.
    rows = page.read_text().split("<section>")[1:]
    assert [(row.count('"right"'), row.count('"wrong"')) for row in rows] == [(1, 1)] * 6
    assert "red; the model says blue" in rows[-1]
