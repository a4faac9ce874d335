"""The page of an evaluation, and what its plots count."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from services.kit.progress import silent
from services.recsys.domain.breakdown import by_length, by_popularity
from services.recsys.domain.comparison import measure
from services.recsys.domain.interactions import interactions_of, past_of
from services.recsys.domain.models.popularity import PopularityModel
from services.recsys.domain.protocols import fixed_split
from services.recsys.evaluate_files import on_files


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Sixty shoppers, each with five of the ten products of a corner."""
    draws = np.random.default_rng(0)
    rows = [10 * (user % 4) + draws.permutation(10)[:5] for user in range(60)]
    text = "\n".join(f"u{user} " + " ".join(f"<{item}>" for item in row) for user, row in enumerate(rows))
    (tmp_path / "shop.txt").write_text(text)
    return tmp_path / "shop.txt"


def test_a_page_stands_alone_with_all_its_figures(tmp_path: Path, file: Path):
    page = tmp_path / "page.html"
    told = on_files(file, None, "leave-one-out", "cooccurrence", "popularity", page, silent)
    text = page.read_text()
    assert text.count("<svg") == text.count("</svg>") == 5
    assert "cooccurrence less popularity, paired" in text
    assert f"{told['metrics']['recall@10']['value']:.4f}" in text
    assert f"{told['against']['difference']['ndcg@20']['value']:+.4f}" in text
    assert not re.search(r"(src|href)=[\"']?(http|/)", text)


def test_what_is_told_is_plain_data(file: Path):
    told = json.loads(json.dumps(on_files(file, None, "leave-one-out", "popularity", None, None, silent)))
    assert (told["model"], told["users"], told["items"], told["cases"]) == ("popularity", 60, 40, 60)
    assert {"value", "low", "high"} == set(told["metrics"]["ndcg@10"])
    assert told["metrics"]["coverage@10"]["low"] is None
    assert told["cpu_seconds"] >= 0
    assert told["choice"] == "1 x popularity {}"
    assert told["peak_mib"] > 10
    assert told["chosen"]["members"] == [{"model": "popularity", "settings": {}, "weight": 1.0}]


def test_an_unknown_protocol_is_refused_with_those_that_there_are(file: Path):
    with pytest.raises(ValueError, match="leave-one-out, fixed-split, next-basket, last-weeks, not magic"):
        on_files(file, None, "magic", None, None, None, silent)


def test_what_could_not_be_told_in_the_end_is_refused_before_anything_is_learnt(tmp_path: Path, file: Path):
    def told(what: str, done: int, total: int) -> None:
        pytest.fail(f"it began with {what}")

    with pytest.raises(ValueError, match="no model 'magic'"):
        on_files(file, None, "leave-one-out", "popularity", "magic", None, told)
    with pytest.raises(FileNotFoundError, match="is no folder"):
        on_files(file, None, "leave-one-out", "popularity", None, tmp_path / "no" / "page.html", told)


def test_recall_is_told_by_popularity_and_by_length_of_the_past():
    # Item 0 is the most popular of a hundred; the first two want it, the third wants the rare item 50.
    past = [past_of([1]), past_of([2]), past_of([0, 3, 4, 5])] + [past_of([0])] * 9
    wanted = [past_of([0]), past_of([0]), past_of([50])] + [past_of([])] * 9
    split = fixed_split(interactions_of(100, past), interactions_of(100, wanted))
    measured = measure(PopularityModel().fit(split.full), split.test, split.full)
    popular = {
        name: (count, figure.value)
        for name, count, figure in by_popularity(measured, split.test, split.full, 1)
    }
    assert popular == {"rarest half": (1, 0), "top 1%": (2, 1)}
    assert [part[:2] for part in by_length(measured, split.test, 10)] == [("1", 2), ("4", 1)]
