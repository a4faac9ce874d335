"""How well recsys foresees held-out interactions, what that costs, and how it compares with `implicit`.

python -m tests.benchmarks.bench_recsys_quality [amazon-beauty] [ml-1m] [tafeng] [demo-shop]

Prints the table of docs/evaluation.md, and the paired comparisons behind it. Reads ../shared/data or
AISLE_BENCH_DATA; what is not there is left out with a line that says so. Each model runs in a process of its
own on one thread, so that its CPU seconds and memory are its own. Settings are chosen on validation parts;
"choice" is what `aisle evaluate recsys` takes without --model, its members fitted once and then blended.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import itertools
import multiprocessing
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from services.recsys.domain import comparison, trial, tuning
from services.recsys.domain.choice import Choice
from services.recsys.domain.interactions import Interactions
from services.recsys.domain.metrics import Values
from services.recsys.domain.models.hybrid import Hybrid
from services.recsys.domain.models.model import Arrays
from services.recsys.domain.models.registry import MODELS
from services.recsys.domain.protocols import Cases, Split
from tests.benchmarks.recsys_sets import SETS, Dataset, load
from tests.benchmarks.recsys_table import HEAD, Row, against, line

T = TypeVar("T")

NOT_AGAIN = ", not fitted again"
"""Behind a model that learnt from the train part alone, as published leave-one-out figures are made."""


Fitted = tuple[Row, Arrays]
"""A model's line, and what it learnt."""


def main(names: list[str]) -> None:
    """Prints a table of all datasets, then what was chosen and the paired differences."""
    print(HEAD, flush=True)
    notes = []
    for name in names or list(SETS):
        split = load(name)
        if split is not None:
            notes += bench(name, SETS[name], split)
    print("\n" + "\n".join(notes))


def bench(name: str, found: Dataset, split: Split) -> list[str]:
    """Chooses on validation, prints the lines of the table, and returns the notes."""
    print(f"{name}: {len(split.test):,} cases, {split.full.items:,} items", file=sys.stderr)
    where = f"{name} @{found.cut}"
    choice, choosing = alone(choose, found.protocol, split)
    goals = ", ".join(f"{each} {choice.alone(each).goal:.4f}" for each in tried(choice))
    notes = [f"on validation: {goals}, choice {choice.goal:.4f}", f"choice is {choice.words()}"]
    print(*notes, sep="\n", file=sys.stderr, flush=True)
    fitted = {
        each: shown(where, found, *alone(measured, each, of(choice, each), split)) for each in tried(choice)
    }
    if found.baseline not in fitted:
        plain = Choice(((found.baseline, {}),))
        fitted[found.baseline] = shown(where, found, *alone(measured, found.baseline, plain, split))
    rivals = [alone(implicit_als, split, found.cut)] if not split.test.repeats else []
    for rival in rivals:
        print(line(where, found.cut, rival), flush=True)
    best = blended("choice", choice, fitted, split)._replace(choosing=choosing)
    print(line(where, found.cut, best), flush=True)
    if found.protocol == "leave-one-out":
        not_again(where, found, choice, replace(split, full=split.train))
    for other, (recall, ndcg) in found.published.items():
        print(f"| {where} | published: {other} | {recall:.4f} | {ndcg:.4f} | | | | |", flush=True)
    notes.append(against(best, fitted[found.baseline][0], found.cut))
    for rival in rivals:
        notes += [against(best, rival, found.cut), against(fitted["ials"][0], rival, found.cut)]
    return [f"- {where}: {note}" for note in notes]


def not_again(where: str, found: Dataset, choice: Choice, split: Split) -> None:
    """The choice and its members without what validation wants: `split.full` is the train part."""
    parts = {}
    for each, _ in choice.members:
        row, arrays = alone(measured, each, of(choice, each), split)
        parts[each] = shown(where, found, row._replace(name=row.name + NOT_AGAIN, choosing=0.0), arrays)
    if len(parts) > 1:
        print(line(where, found.cut, blended("choice" + NOT_AGAIN, choice, parts, split)), flush=True)


def tried(choice: Choice) -> list[str]:
    """The models that were tried, in their order."""
    return list(dict.fromkeys(one.name for one in choice.tried))


def of(choice: Choice, name: str) -> Choice:
    """One model alone: as a member of the choice, or the best that was tried."""
    best = choice.alone(name)
    return replace(best, members=((name, dict(choice.members).get(name, best.members[0][1])),))


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


def measured(name: str, choice: Choice, split: Split) -> Fitted:
    """One model on the test part."""
    found = trial.make(choice, split, progress=progress)
    choosing = sum(one.seconds for one in choice.tried)
    row = Row(name, found.measured.by_case, choosing, found.fitting, found.answering, found.peak_mib)
    return row, found.model.arrays()


def blended(name: str, choice: Choice, fitted: Mapping[str, Fitted], split: Split) -> Row:
    """The choice made of its members as they were fitted."""
    rows = [fitted[each][0] for each, _ in choice.members]
    if len(rows) == 1:
        return rows[0]._replace(name=f"{name}: {rows[0].name}")
    words = " + ".join(f"{w:g} {each}" for (each, _), w in zip(choice.members, choice.weights, strict=True))
    arrays = {each: fitted[each][1] for each, _ in choice.members}
    by_case, answering, mib = alone(asked, choice, arrays, split)
    fitting, peak = sum(row.fitting for row in rows), max(mib, *(row.mib for row in rows))
    return Row(f"{name}: {words}", by_case, 0.0, fitting, answering, peak)


def asked(
    choice: Choice, fitted: Mapping[str, Arrays], split: Split
) -> tuple[Mapping[str, Values], float, float]:
    """What the members answer together: the values of the test part, the CPU seconds and the memory."""
    members = [MODELS[each].of(arrays) for each, arrays in fitted.items()]  # type: ignore[attr-defined]
    begun = time.process_time()
    model = Hybrid(members, choice.weights, choice.scale)
    found = comparison.measure(model, split.test.part(trial.CASES), split.full, progress=progress)
    return found.by_case, time.process_time() - begun, trial.peak_mib()


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
    begun = time.process_time()
    best = max(settings, key=lambda each: goal(fitted(split.train, *each)))
    chosen = time.process_time()
    model = fitted(split.full, *best)
    made = time.process_time()
    figures = comparison.figures(ranked(model, split.test), split.test, split.full)
    asked = time.process_time() - made
    name = f"`implicit` ALS {best}"
    return Row(name, figures.by_case, chosen - begun, made - chosen, asked, trial.peak_mib())


def shown(where: str, found: Dataset, row: Row, arrays: Arrays) -> Fitted:
    """Prints the model's line."""
    print(line(where, found.cut, row), flush=True)
    return row, arrays


if __name__ == "__main__":
    main(sys.argv[1:])
