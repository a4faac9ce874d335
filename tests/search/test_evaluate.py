"""The evaluation: measures by eye, and the figures on the judged electronics shop."""

import csv
import gzip
import json
import os
from pathlib import Path

import pytest

from services.kit.progress import silent
from services.search.config import Config
from services.search.evaluate import evaluate, interval, measures, ndcg, read_products

DATA = Path(os.environ.get("AISLE_BENCH_DATA", "../shared/data")) / "search"
PRODUCTS, JUDGEMENTS = DATA / "electronics-products.jsonl.gz", DATA / "electronics-judgements-dev.csv"


def test_measures() -> None:
    grades = {"a": 3, "b": 0, "c": 1}
    assert ndcg(["a", "c"], grades) == pytest.approx(1.0)
    assert ndcg(["b"], grades) == 0.0
    got = measures(["unjudged", "a", "b"], grades)
    assert got["mrr@10"] == 0.5
    assert got["recall@200"] == 0.5
    assert got["zero_result_rate"] == 0.0
    assert got["ndcg@10"] < got["ndcg@10_condensed"] < 1
    assert measures([], grades)["zero_result_rate"] == 1.0


def test_an_interval_holds_its_mean() -> None:
    figure = interval([0.0, 1.0] * 20)
    assert figure["low"] is not None
    assert figure["high"] is not None
    assert figure["low"] < figure["value"] == 0.5 < figure["high"]


async def test_without_a_model_it_says_what_to_do(tmp_path: Path) -> None:
    judgements = tmp_path / "j.csv"
    judgements.write_text("query,product_id,grade\nmilk,1,3\n")
    with pytest.raises(LookupError, match="aisle train search"):
        await evaluate(Config(home=tmp_path), progress=silent, products="p", judgements=judgements)


@pytest.mark.skipif(not PRODUCTS.exists(), reason="../shared/data/search is not there")
async def test_meaning_helps_on_judged_products(tmp_path: Path, trained_home: Path) -> None:
    """On the judged products alone, which embeds in seconds; docs/search.md has the whole shop's figures."""
    with JUDGEMENTS.open() as lines:
        judged = {row["product_id"] for row in csv.DictReader(lines)}
    few = tmp_path / "few.jsonl"
    with gzip.open(PRODUCTS, "rt") as lines, few.open("w") as out:
        out.writelines(line for line in lines if json.loads(line)["product_id"] in judged)
    config = Config(home=trained_home)
    metrics = (await evaluate(config, progress=silent, products=few, judgements=JUDGEMENTS))["metrics"]
    for name in ("ndcg@10", "ndcg@10_condensed", "recall@200"):
        assert metrics[name]["value"] > metrics[f"lexical_{name}"]["value"]
    assert metrics["ndcg@10_condensed"]["value"] > 0.84


def test_prices_and_attributes_read_in_either_form(tmp_path: Path) -> None:
    file = tmp_path / "products.jsonl"
    rows = [
        {"id": "a", "title": "A", "price": {"currencyCode": "USD", "amountMicros": "3490000"}},
        {"product_id": "b", "title": "B", "price": 3.49, "currency": "USD", "attributes": {"colour": "red"}},
        {"id": "c", "title": "C", "attributes": {"colour": ["red"]}},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, second, third = read_products(file)
    assert first.price == second.price
    assert second.attributes["colour"] == third.attributes["colour"]
