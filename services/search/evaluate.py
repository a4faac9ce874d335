"""`aisle evaluate search`: ranks a judged catalogue by the code that serves, and tells how well.

Products are JSON Lines (product_id or id, title, description, brand, categories, price, currency,
attributes), judgements are CSV (query, product_id, grade from 0 to 3).
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np

from services.kit.models import ModelStore
from services.kit.progress import Metric, Progress
from services.search.adapters.judged_files import read_judgements, read_products, translated
from services.search.config import Config
from services.search.domain.measures import DEPTH, TOP, Grades, interval, measures, paired
from services.search.domain.request import Request
from services.search.domain.search import Searcher
from services.search.domain.stages import without as stages_without
from services.search.domain.typos import edited
from services.search.offline import searchable

PERCENTILES: Final = (50, 95, 99)

PerQuery = dict[str, list[float]]
"""Figures by name, one a query, in the order of the queries."""


async def evaluate(
    config: Config,
    *,
    progress: Progress,
    products: Path,
    judgements: Path,
    without: str = "",
    against: str = "",
    against_backend: str = "",
    typos: int = 3,
    translations: Path | None = None,
) -> dict[str, Any]:
    """Figures with 95% bootstrap intervals over the queries, each query's own, and what typing slips cost.

    `without` names stages to leave out (see domain/stages.py); `against` names those that a second
    configuration leaves out, which the first is compared with query by query; `against_backend` names its
    engine, where that is another. Each query is searched again with one random edit, `typos` times. With
    `translations` (CSV: query,translation) each query is searched by its translation.
    Raises OSError or ValueError when a file or name is not right, LookupError when no model is there.
    """
    judged = read_judgements(judgements)
    if translations is not None:
        judged = translated(judged, translations)
    first, second = stages_without(without), stages_without(against)
    engine = Config.model_validate(config.model_dump() | {"backend": against_backend or config.backend})
    model = await asyncio.to_thread(ModelStore(config.home, "search").current)
    if model is None:
        raise LookupError("there is no model: run `aisle train search`")
    items = list(read_products(products))
    async with AsyncExitStack() as engines:
        built = await engines.enter_async_context(searchable(config, model, items, progress))
        figures, rows = measured(built.searcher(first), judged, typos, progress)
        report: dict[str, Any] = {
            "model": f"{model.version} without {without}" if without else model.version,
            "queries": len(judged),
            "metrics": _metrics(figures, rows),
            "by_query": rows,
        }
        if against or against_backend:
            other = built
            if against_backend:
                other = await engines.enter_async_context(searchable(engine, model, items, progress))
            report["against"] = _compared(figures, measured(other.searcher(second), judged, typos, progress))
            report["against"]["model"] = " without ".join(filter(None, (against_backend, against)))
    return report


def _compared(figures: PerQuery, against: tuple[PerQuery, list[dict[str, Any]]]) -> dict[str, Any]:
    others, rows = against
    difference = {name: paired(values, others[name]) for name, values in figures.items()}
    return {"difference": difference, "metrics": _metrics(others, rows)}


def measured(
    searcher: Searcher, judged: Mapping[str, Grades], typos: int, progress: Progress
) -> tuple[PerQuery, list[dict[str, Any]]]:
    """Each query's measures, and a row of them for each query with how it was answered."""
    figures, rows = PerQuery(), list[dict[str, Any]]()
    for done, (query, grades) in enumerate(judged.items(), 1):
        begun = perf_counter()
        page = searcher.search(Request(query, page_size=DEPTH))
        milliseconds = 1_000 * (perf_counter() - begun)
        found = measures([result.product_id for result in page.results], grades)
        found["corrected_rate"] = float(bool(page.query.corrections))
        if typos:
            found |= _typo_figures(searcher, query, grades, found, typos)
        for name, value in found.items():
            figures.setdefault(name, []).append(value)
        rows.append(
            {"query": query, "searched": page.query.text, "total": page.total, "ms": milliseconds, **found}
        )
        progress("searching", done, len(judged))
    return figures, rows


def _typo_figures(
    searcher: Searcher, query: str, grades: Grades, clean: Mapping[str, float], typos: int
) -> dict[str, float]:
    """What the mean over edited spellings of the query reaches, and how far it is below the clean query."""
    answers = [searcher.search(Request(edited(query, seed), page_size=DEPTH)) for seed in range(typos)]
    found = [measures([result.product_id for result in page.results], grades) for page in answers]
    names = (f"ndcg@{TOP}", f"ndcg@{TOP}_condensed")
    mean = {name: sum(each[name] for each in found) / typos for name in names}
    return {
        **{f"typo_{name}": value for name, value in mean.items()},
        **{f"typo_cost_{name}": clean[name] - value for name, value in mean.items()},
    }


def _metrics(figures: PerQuery, rows: Sequence[Mapping[str, Any]]) -> dict[str, Metric]:
    times = [row["ms"] for row in rows]
    latencies: dict[str, Metric] = {
        f"latency_ms_p{percent}": {"value": float(np.percentile(times, percent)), "low": None, "high": None}
        for percent in PERCENTILES
    }
    return {**{name: interval(values) for name, values in figures.items()}, **latencies}
