"""The evaluation: measures by eye, and the figures on the judged electronics shop."""

import csv
import gzip
import json
import os
from pathlib import Path

import pytest
from pymilvus import MilvusClient

from services.kit.progress import silent
from services.search.adapters.judged_files import read_judgements, read_products
from services.search.config import Config
from services.search.domain.measures import interval, measures, ndcg, paired
from services.search.domain.typos import edited
from services.search.evaluate import evaluate

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


def test_a_paired_difference_knows_what_it_pairs() -> None:
    hard, easy = [0.1, 0.2] * 10, [0.8, 0.9] * 10
    better = paired([*hard, *easy], [value - 0.05 for value in (*hard, *easy)])
    assert better["low"] == pytest.approx(0.05)


async def test_without_a_model_it_says_what_to_do(tmp_path: Path) -> None:
    judgements = tmp_path / "j.csv"
    judgements.write_text("query,product_id,grade\nmilk,1,3\n")
    with pytest.raises(LookupError, match="aisle train search"):
        await evaluate(Config(home=tmp_path), progress=silent, products=Path("p"), judgements=judgements)


@pytest.mark.skipif(not PRODUCTS.exists(), reason="../shared/data/search is not there")
async def test_meaning_helps_on_judged_products(tmp_path: Path, trained_home: Path) -> None:
    """On the judged products alone, which embeds in seconds; the whole shop is in docs/search-quality.md."""
    with JUDGEMENTS.open() as lines:
        judged = {row["product_id"] for row in csv.DictReader(lines)}
    few = tmp_path / "few.jsonl"
    with gzip.open(PRODUCTS, "rt") as lines, few.open("w") as out:
        out.writelines(line for line in lines if json.loads(line)["product_id"] in judged)
    config = Config(home=trained_home)
    report = await evaluate(
        config, progress=silent, products=few, judgements=JUDGEMENTS, against="meaning", typos=1
    )
    metrics, above = report["metrics"], report["against"]["difference"]
    for name in ("ndcg@10_condensed", "recall@200"):
        assert above[name]["value"] > 0
    assert metrics["ndcg@10_condensed"]["value"] > 0.84
    assert metrics["corrected_rate"]["value"] == 0
    assert metrics["typo_cost_ndcg@10_condensed"]["value"] < 0.15
    assert len(report["by_query"]) == report["queries"] == 58


async def test_engines_are_compared_on_the_same_products_and_nothing_of_it_stays(
    tmp_path: Path, trained_home: Path
) -> None:
    milvus, products, judgements = (tmp_path / name for name in ("milvus.db", "p.jsonl", "j.csv"))
    titles = ("Oat milk", "Whole milk", "Green tea", "Black tea", "Wooden train")
    rows = (json.dumps({"id": title, "title": title}) for title in titles)
    products.write_text("\n".join(rows))
    judgements.write_text("query,product_id,grade\nmilk,Oat milk,3\nmilk,Whole milk,2\ntea,Green tea,3\n")
    report = await evaluate(
        Config(home=trained_home, milvus_uri=str(milvus)),
        progress=silent,
        products=products,
        judgements=judgements,
        typos=0,
        against_backend="milvus",
    )
    assert report["against"]["model"] == "milvus"
    assert report["against"]["difference"]["recall@200"]["value"] == 0
    assert report["against"]["metrics"]["recall@200"]["value"] == 1
    assert MilvusClient(str(milvus)).list_collections() == []


@pytest.mark.parametrize(
    ("option", "value"),
    [("without", "nonsense"), ("against", "meaning,nonsense"), ("against_backend", "nonsense")],
)
async def test_what_there_is_not_is_refused(tmp_path: Path, option: str, value: str) -> None:
    judgements = tmp_path / "j.csv"
    judgements.write_text("query,product_id,grade\nmilk,1,3\n")
    with pytest.raises(ValueError, match="nonsense"):
        await evaluate(
            Config(home=tmp_path),
            progress=silent,
            products=Path("p"),
            judgements=judgements,
            **{option: value},
        )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "columns"),
        ("q,p\n", "columns"),
        ("query,product_id,grade\n", "no judgement"),
        ("query,product_id,grade\nmilk,1,4\n", "line 2"),
    ],
)
def test_judgements_of_another_form_are_refused(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "j.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=why):
        read_judgements(file)


def test_a_slip_is_one_edit_and_the_same_for_a_seed() -> None:
    slips = {edited("oat milk", seed) for seed in range(200)}
    assert edited("oat milk", 3) == edited("oat milk", 3)
    assert {"oatmilk", "ot milk", "aot milk"} - slips == {"oatmilk"} - slips
    assert {len(slip) for slip in slips} == {7, 8, 9}
    assert "oat milk" not in slips


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
