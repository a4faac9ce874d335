"""What search costs by catalogue size: build, memory, CPU of whole searches, and how well vectors are found.

python -m tests.benchmarks.bench_search_scale --home FOLDER [--products N] [--real FILE.npy]

The shop is made of real texts, see search_scale; FOLDER holds a model that `aisle train search` made. Real
texts are embedded once and kept in FILE. Times are CPU times of one thread; memory is the process's peak,
less what the benchmark itself holds of vectors.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from services.kit.log import BATCH, CATALOG
from services.kit.models import ModelStore
from services.search.adapters.faiss_vectors import FaissVectors
from services.search.adapters.onnx_encoder import DIMENSION
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_view import SearchView, open_database
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.domain.dense import Meaning
from services.search.domain.ports import Encoder, Vector
from services.search.domain.request import FACETS, Filter, Order, Request
from services.search.domain.search import Searcher
from services.search.server import encoder_of
from tests.benchmarks.search_scale import Real, made_products, made_vectors, real_products
from tests.search.shop import records, upsert

QUERIES: Final = 200
NEIGHBOURS: Final = 10
CHUNK: Final = 50_000


def cpu(what: Callable[[int], object]) -> dict[str, float]:
    """Milliseconds of CPU a call, at the median and the 99th percentile."""
    spent = []
    for number in range(QUERIES):
        begun = time.process_time()
        what(number)
        spent.append((time.process_time() - begun) * 1_000)
    return {"p50_ms": round(float(np.median(spent)), 2), "p99_ms": round(float(np.quantile(spent, 0.99)), 2)}


def typed(real: list[Real]) -> list[str]:
    """Two words side by side of a real title, a query each."""
    dice = np.random.default_rng(9)
    found = []
    while len(found) < QUERIES:
        title = real[dice.integers(len(real))].title.split()
        if len(title) > 1:
            start = dice.integers(len(title) - 1)
            found.append(" ".join(title[start : start + 2]))
    return found


def index_words(view: SearchView, real: list[Real], count: int) -> None:
    """Applies the shop as the log would bring it, from where the view stands."""
    entries = []
    done = view.position(CATALOG)
    for product in made_products(real, count, done):
        entries.append(upsert(product))
        if len(entries) == 10 * BATCH:
            view.apply([replace(r, sequence=done + r.sequence) for r in records(entries)])
            done += len(entries)
            entries.clear()
    if entries:
        view.apply([replace(r, sequence=done + r.sequence) for r in records(entries)])


def index_vectors(database_keys: list[int], rows: Vector) -> FaissVectors:
    """The vectors, by the keys of the products' texts."""
    vectors = FaissVectors(DIMENSION)
    for start in range(0, len(database_keys), CHUNK):
        vectors.add(database_keys[start : start + CHUNK], rows[start : start + CHUNK])
    return vectors


def recall(vectors: FaissVectors, keys: list[int], rows: Vector, queries: Vector) -> float:
    """The share of the truly nearest that are found."""
    found = 0
    numbers = np.array(keys)
    for query in queries:
        right = numbers[np.argsort(-(rows @ query))[:NEIGHBOURS]]
        found += len(set(right.tolist()) & {key for key, _ in vectors.nearest(query, NEIGHBOURS)})
    return round(found / NEIGHBOURS / len(queries), 3)


def measure(encoder: Encoder, count: int, real_file: Path) -> dict[str, object]:
    """All figures."""
    real = real_products()
    if not real_file.exists():
        np.save(real_file, encoder.encode([each.title for each in real]))
    embedded = np.load(real_file)
    figures: dict[str, object] = {"products": count}
    with tempfile.TemporaryDirectory() as temporary:
        database = open_database(Path(temporary))
        begun = time.perf_counter()
        index_words(SearchView(database), real, count)
        figures["words_s"] = round(time.perf_counter() - begun)
        with database.read() as connection:
            keys = [key for (key,) in connection.execute("SELECT DISTINCT text_key FROM products")]
        figures["disk_mb"] = sum(f.stat().st_size for f in Path(temporary).rglob("*") if f.is_file()) >> 20
        figures["words_peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        rows = made_vectors(embedded, len(keys))
        begun = time.perf_counter()
        vectors = index_vectors(keys, rows)
        figures["vectors_s"] = round(time.perf_counter() - begun)
        queries = typed(real)
        asked = encoder.encode(queries)
        figures["recall"] = recall(vectors, keys, rows, asked[:100])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        figures["peak_mb"] = peak - (rows.nbytes >> 20)
        del rows
        meaning = Meaning(encoder, vectors)
        searcher = Searcher(TantivyCatalogue(database), lambda: meaning, SqliteLexicon(database))
        search = searcher.search
        stock = Filter(currency="USD", maximum=50_000_000, in_stock_only=True)
        figures |= {
            "nearest_10": cpu(lambda n: vectors.nearest(asked[n], NEIGHBOURS)),
            "nearest_200": cpu(lambda n: vectors.nearest(asked[n], 200)),
            "search": cpu(lambda n: search(Request(queries[n]))),
            "search_filter_facets": cpu(lambda n: search(Request(queries[n], stock, facets=FACETS))),
            "broad_filter_facets": cpu(lambda n: search(Request("national", stock, facets=FACETS))),
            "by_price": cpu(lambda n: search(Request(queries[n], order=Order.PRICE_ASCENDING))),
            "listing_facets": cpu(lambda n: search(Request(facets=FACETS))),
        }
        database.close()
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--real", type=Path, default=Path("real-texts.npy"))
    arguments = parser.parse_args()
    model = ModelStore(arguments.home, "search").current()
    assert model is not None, "run `aisle train search` first"
    print(json.dumps(measure(encoder_of(model), arguments.products, arguments.real), indent=1))
