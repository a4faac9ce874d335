"""Chooses the numbers of spelling on judged queries with slips, by cross-validation; tells what slips cost.

python -m tests.benchmarks.bench_search_spelling --home FOLDER --products FILE --judgements FILE

The slips are other ones than those of `aisle evaluate search`. The grid's best of four folds of queries is
measured on the fifth, twenty times over. Of the demo shop's category names none should be corrected.
"""

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from services.kit.models import Model, ModelStore
from services.kit.progress import silent
from services.search.adapters.judged_files import read_judgements, read_products
from services.search.config import Config
from services.search.domain.measures import DEPTH, TOP, Grades, measures
from services.search.domain.query import spelling
from services.search.domain.request import Request
from services.search.domain.search import Searcher
from services.search.domain.stages import ALL, Stage
from services.search.domain.typos import edited
from services.search.offline import searchable
from tests.benchmarks.bench_search import demo_products
from tests.benchmarks.bench_search_weights import FOLDS, REPEATS, Floats

GRID = {"MEANING": (0.0, 10.0, 20.0, 30.0), "SHARPNESS": (0.5, 0.7, 1.0), "AS_TYPED": (0.0, 1.0)}
SEEDS = range(1_000, 1_006)
NAMES = 200
READINGS = (f"ndcg@{TOP}_condensed", f"ndcg@{TOP}")


def reached(searcher: Searcher, query: str, grades: Grades) -> list[float]:
    """READINGS of one search."""
    page = searcher.search(Request(query, page_size=DEPTH))
    found = measures([result.product_id for result in page.results], grades)
    return [found[name] for name in READINGS]


def costs(searcher: Searcher, judged: Mapping[str, Grades], clean: Floats) -> Floats:
    """What a slip takes from each query (queries, READINGS)."""
    slipped = [
        np.mean([reached(searcher, edited(query, seed), grades) for seed in SEEDS], 0)
        for query, grades in judged.items()
    ]
    return clean - np.array(slipped)


def nested(table: Floats) -> list[float]:
    """The cost on held-out queries; `table` is (points, queries, READINGS), chosen by the first reading."""
    draw, held_out = np.random.default_rng(0), []
    for _ in range(REPEATS):
        fold = draw.permutation(table.shape[1]) % FOLDS
        for held in range(FOLDS):
            best = table[:, fold != held, 0].mean(1).argmin()
            held_out.append(table[best][fold == held].mean(0))
    return np.mean(held_out, 0).round(4).tolist()


async def demo_names(config: Config, model: Model) -> list[str]:
    """Those of the demo shop's NAMES commonest lowest categories that are searched for as something else."""
    products = list(demo_products(100_000))
    leaves = Counter(
        each.categories[0].rsplit(" > ", 1)[-1].casefold() for each in products if each.categories
    )
    async with searchable(config, model, products, silent) as built:
        searcher = built.searcher(ALL)
        found = {name: searcher.search(Request(name)).query for name, _ in leaves.most_common(NAMES)}
    return [f"{name}: {query.text}" for name, query in found.items() if query.corrections]


async def measure(home: Path, products: Path, judgements: Path) -> dict[str, object]:
    """All figures."""
    config = Config(home=home)
    model = ModelStore(home, "search").current()
    assert model is not None, "run `aisle train search` first"
    judged = read_judgements(judgements)
    async with searchable(config, model, read_products(products), silent) as built:
        plain, searcher = built.searcher(ALL - {Stage.SPELLING}), built.searcher(ALL)
        clean = np.array([reached(plain, *one) for one in judged.items()])
        served = costs(searcher, judged, clean)
        same = [reached(searcher, *one) for one in judged.items()] == clean.tolist()
        points, table = list(product(*GRID.values())), []
        for point in points:
            with pytest.MonkeyPatch.context() as patch:
                for name, value in zip(GRID, point, strict=True):
                    patch.setattr(spelling, name, value)
                table.append(costs(searcher, judged, clean))
    order = np.array(table)[:, :, 0].mean(1).argsort()
    rows = [(dict(zip(GRID, points[at], strict=True)), table[at].mean(0).round(4).tolist()) for at in order]
    return {
        "readings": READINGS,
        "clean queries answered as without spelling": same,
        "cost of a slip, as served": served.mean(0).round(4).tolist(),
        "cost of a slip, chosen on other queries": nested(np.array(table)),
        "best on all": rows[:8],
        "worst on all": rows[-2:],
        "demo names corrected": await demo_names(config, model),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--products", type=Path, required=True)
    parser.add_argument("--judgements", type=Path, required=True)
    print(json.dumps(asyncio.run(measure(**vars(parser.parse_args()))), indent=1))
