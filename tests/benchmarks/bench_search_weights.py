"""Chooses fusion's weights on judged queries by cross-validation, and tells what noise in signals would cost.

python -m tests.benchmarks.bench_search_weights --home FOLDER --products FILE --judgements FILE

The family is fixed: bm25 over the best one's, every word, phrase, cosine. Its grid is searched on the queries
of four folds and measured on the fifth, twenty times over; FOLDER has a model of `aisle train search`.
"""

import argparse
import asyncio
import json
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.kit.models import ModelStore
from services.kit.progress import silent
from services.search.adapters.judged_files import read_judgements, read_products
from services.search.config import Config
from services.search.domain.fusion import MEANING, PHRASE, WHOLE, Match, arrange
from services.search.domain.measures import TOP, TOP_GRADE, Grades, measures
from services.search.domain.signals import Known, Weights, weighted
from services.search.domain.stages import ALL
from services.search.offline import searchable

GRID = {
    "every_word": (0.8, 1.2, 1.6, 2.0, 2.5, 3.0, 4.0),
    "phrase": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.4),
    "meaning": (4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0),
}
FOLDS, REPEATS = 5, 20
NOISE = (0.05, 0.1, 0.2, 0.4, 0.8)
DRAWS = 5
READINGS = (f"ndcg@{TOP}", f"ndcg@{TOP}_condensed")

Floats = NDArray[np.float64]


class Case(NamedTuple):
    """One query's fused products: signals without weights (n, 4), grades, -1 for products not judged (n,)."""

    matches: list[Match]
    signals: Floats
    grades: NDArray[np.int64]
    judged: Grades


def case_of(matches: list[Match], judged: Grades) -> Case:
    """Products stand by id, so that ties do as in serving."""
    matches = sorted(matches, key=lambda match: match.candidate.product_id)
    unweighted = np.array([match.parts[:4] for match in matches]) / (1, WHOLE, PHRASE, MEANING)
    grades = np.array([judged.get(match.candidate.product_id, -1) for match in matches])
    return Case(matches, unweighted, grades, judged)


def figures(case: Case, scores: Floats) -> tuple[float, float]:
    """NDCG with unjudged products as 0, and without them."""
    grades = case.grades[np.argsort(-scores, kind="stable")]
    ideal = _gain(np.sort(np.array(list(case.judged.values())))[::-1])
    return _gain(np.maximum(grades, 0)) / ideal, _gain(grades[grades >= 0]) / ideal


def _gain(grades: NDArray[np.int64]) -> float:
    best = grades[:TOP] / TOP_GRADE
    return float(best @ (1 / np.log2(np.arange(2, len(best) + 2))))


def nested(table: Floats) -> dict[str, float]:
    """What the grid's best of four folds reaches on the fifth; `table` is (points, queries, readings)."""
    draw, reached = np.random.default_rng(0), []
    for _ in range(REPEATS):
        fold = draw.permutation(table.shape[1]) % FOLDS
        for held in range(FOLDS):
            best = table[:, fold != held].mean((1, 2)).argmax()
            reached.append(table[best][fold == held].mean(0))
    return dict(zip(READINGS, np.mean(reached, 0).round(4).tolist(), strict=True))


def noise(cases: list[Case], weight: float) -> float:
    """The mean of both readings where each product's popularity is drawn at random, whatever it is."""
    reached = []
    for seed in range(DRAWS):
        draw = np.random.default_rng(seed)
        for case in cases:
            known = {
                m.candidate.document: Known("", "", (), None, "", 0.0, 0.0, float(draw.random()))
                for m in case.matches
            }
            moved = weighted(case.matches, known, Weights(popularity=weight, availability=0), 0.0)
            found = measures([match.candidate.product_id for match in arrange(moved)], case.judged)
            reached.append([found[name] for name in READINGS])
    return float(np.mean(reached))


async def measure(home: Path, products: Path, judgements: Path) -> dict[str, object]:
    """All figures."""
    config = Config(home=home)
    model = ModelStore(home, "search").current()
    assert model is not None, "run `aisle train search` first"
    async with searchable(config, model, read_products(products), silent) as built:
        searcher = built.searcher(ALL)
        cases = [
            case_of(searcher.fused(query)[1], judged) for query, judged in read_judgements(judgements).items()
        ]
    points = [np.array((1.0, *point)) for point in product(*GRID.values())]
    table = np.array([[figures(case, case.signals @ point) for case in cases] for point in points])
    served = np.array([figures(case, case.signals @ (1, WHOLE, PHRASE, MEANING)) for case in cases])
    means = table.mean((1, 2))
    best = np.argsort(-means)[:10]
    return {
        "served": dict(zip(READINGS, served.mean(0).round(4).tolist(), strict=True)),
        "chosen by the grid, on other queries": nested(table),
        "best on all": [
            {**dict(zip(GRID, points[at][1:].tolist(), strict=True)), "mean": round(float(means[at]), 4)}
            for at in best
        ],
        "mean with noise": {
            "none": round(float(served.mean()), 4),
            **{str(w): round(noise(cases, w), 4) for w in NOISE},
        },
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--products", type=Path, required=True)
    parser.add_argument("--judgements", type=Path, required=True)
    print(json.dumps(asyncio.run(measure(**vars(parser.parse_args()))), indent=1))
