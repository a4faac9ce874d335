"""What each stage of a search is worth over judged queries: the tables of docs/search-quality.md.

python -m tests.benchmarks.bench_search_stages --home FOLDER [--typos N]

FOLDER holds a model that `aisle train search` made. Each row leaves stages out; differences to the whole are
paired by query, brackets are 95% bootstrap intervals. Then it asks in Chinese, and explains five queries.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from services.kit.models import ModelStore
from services.kit.progress import silent
from services.search.adapters.judged_files import read_judgements, read_products, translated
from services.search.config import Config
from services.search.domain.measures import TOP, Estimate, interval, paired
from services.search.domain.request import Request
from services.search.domain.search import Searcher
from services.search.domain.stages import ALL, without
from services.search.evaluate import PerQuery, measured
from services.search.offline import searchable

DATA: Final = Path(os.environ.get("AISLE_BENCH_DATA", "../shared/data")) / "search"
CHINESE: Final = Path("tests/search/electronics-dev-zh.csv")
ROWS: Final = {
    "all stages": "",
    "without spelling": "spelling",
    "without reading (and spelling)": "reading,spelling",
    "without phrase": "phrase",
    "without words": "words",
    "without meaning": "meaning",
    "without signals": "signals",
    "without variety": "variety",
    "words alone": "reading,spelling,phrase,meaning,signals,learnt,variety",
}
EXPLAINED: Final = (
    "laptop bag",
    "bluetooth speekers",
    "hdmi cable under 10",
    "蓝牙耳机",
    "external dvd drive without usb",
)
FIGURES: Final = (f"ndcg@{TOP}", f"ndcg@{TOP}_condensed", f"typo_ndcg@{TOP}_condensed")
OTHERS: Final = (
    "recall@200",
    f"mrr@{TOP}",
    "zero_result_rate",
    "corrected_rate",
    f"typo_cost_ndcg@{TOP}",
    f"typo_cost_ndcg@{TOP}_condensed",
)


def shown(estimate: Estimate) -> str:
    """ ".821 [.741, .893]", without the zeros before the points."""
    ends = (estimate["value"], estimate["low"], estimate["high"])
    value, low, high = (round(end or 0.0, 3) + 0.0 for end in ends)  # no "-0.000"
    if not any((value, low, high)):
        return ".000"
    return f"{value:.3f} [{low:.3f}, {high:.3f}]".replace("0.", ".")


def row(name: str, found: PerQuery, whole: PerQuery) -> str:
    """A line of the table: each figure, and what it is less than the whole."""
    cells = [name]
    for figure in FIGURES:
        difference = "" if found is whole else shown(paired(found[figure], whole[figure]))
        cells += [shown(interval(found[figure])), difference]
    return f"| {' | '.join(cells)} |"


def explained(query: str, searcher: Searcher, titles: Mapping[str, str]) -> str:
    """A line of the table of explanations: the first result, and the parts of its score."""
    page = searcher.search(Request(query))
    first = page.results[0]
    parts = " + ".join(f"{name} {value:.2f}" for name, value in first.parts._asdict().items() if value)
    return f"| {query} | {page.query.text} | {titles[first.product_id]} | {parts} | {first.score:.2f} |"


async def measure(home: Path, typos: int) -> None:
    """Prints the table and what stands below it."""
    config = Config(AISLE_HOME=home)  # type: ignore[call-arg]
    model = ModelStore(home, "search").current()
    assert model is not None, "run `aisle train search` first"
    judged = read_judgements(DATA / "electronics-judgements-dev.csv")
    products = list(read_products(DATA / "electronics-products.jsonl.gz"))
    async with searchable(config, model, products, silent) as built:

        def figures(stages: str, asked: Mapping[str, Any] = judged, slips: int = typos) -> PerQuery:
            return measured(built.searcher(without(stages)), asked, slips, silent)[0]

        whole = figures("")
        for name, stages in ROWS.items():
            begun = time.process_time()
            found = figures(stages) if stages else whole
            print(row(name, found, whole), flush=True)
            print(f"  {time.process_time() - begun:.0f} s of CPU", flush=True)
        for name in OTHERS:
            print(name, shown(interval(whole[name])))
        for name, stages in (("Chinese", ""), ("Chinese without spelling", "spelling")):
            found = figures(stages, translated(judged, CHINESE), 0)
            print(name, *(shown(interval(found[figure])) for figure in (*FIGURES[:2], "zero_result_rate")))
            for figure in FIGURES[:2]:
                print(f"  of the English {sum(found[figure]) / sum(whole[figure]):.3f}")
        titles = {product.id: product.title for product in products}
        for query in EXPLAINED:
            print(explained(query, built.searcher(ALL), titles))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--typos", type=int, default=3)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.home, arguments.typos))
