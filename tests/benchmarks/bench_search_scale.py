"""What search costs by catalogue size: build, memory, CPU of whole searches, and how well vectors are found.

python -m tests.benchmarks.bench_search_scale --home FOLDER [--products N] [--keep FOLDER]

The shop is made of real texts, see search_scale; --home holds a model that `aisle train search` made. What is
built is kept in the second folder, where there is one: a run that was cut goes on there, and a run that finds
all built tells the memory of serving alone. Times are CPU times of one thread; queries are embedded in them.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from services.kit.log import BATCH, CATALOG
from services.kit.models import ModelStore
from services.search.adapters.faiss_vectors import FaissVectors
from services.search.adapters.onnx_encoder import DIMENSION
from services.search.adapters.row_signals import signals_of
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_view import SearchDatabase, SearchView, open_database
from services.search.adapters.tantivy_shelf import TantivyCatalogue
from services.search.domain.dense import Meaning
from services.search.domain.ordering import Ordering
from services.search.domain.ports import Encoder, Vector
from services.search.domain.request import FACETS, Filter, Order, Request
from services.search.domain.search import Searcher
from services.search.server import encoder_of
from tests.benchmarks.search_scale import BLOCK, Real, made_products, made_vectors, real_products
from tests.search.shop import records, upsert

QUERIES: Final = 200
NEIGHBOURS: Final = 10
NEAREST: Final = 200
"""Texts that a search asks for."""

REFERENCE: Final = 10_000
"""Vectors that are all compared with a query in the same run: its time shows what else the machine does."""


class Shop(NamedTuple):
    """What is searched."""

    database: SearchDatabase
    vectors: FaissVectors
    keys: list[int]


def cpu(what: Callable[[int], object]) -> dict[str, float]:
    """Milliseconds of CPU a call, at the median and the 99th percentile."""
    spent = []
    for number in range(QUERIES):
        begun = time.process_time()
        what(number)
        spent.append((time.process_time() - begun) * 1_000)
    return {"p50_ms": round(float(np.median(spent)), 2), "p99_ms": round(float(np.quantile(spent, 0.99)), 2)}


def peak() -> int:
    """The most memory that this process had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def typed(real: list[Real], seed: int) -> list[str]:
    """Two words side by side of a real title, a query each."""
    dice = np.random.default_rng(seed)
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


def index_vectors(vectors: FaissVectors, keys: list[int], embedded: Vector) -> None:
    """Adds the vectors that are not there, by the keys of the products' texts."""
    for number, rows in enumerate(made_vectors(embedded, len(keys))):
        vectors.add(keys[number * BLOCK : number * BLOCK + len(rows)], rows)


def recall(vectors: FaissVectors, keys: list[int], embedded: Vector, queries: Vector) -> float:
    """The share of the truly nearest that are among the first of those that a search asks for."""
    numbers = np.array(keys)
    best = np.full((len(queries), NEIGHBOURS), -1.0, np.float32)
    right = np.zeros((len(queries), NEIGHBOURS), np.int64)
    for number, rows in enumerate(made_vectors(embedded, len(keys))):
        cosines = np.hstack((best, queries @ rows.T))
        some = np.tile(numbers[number * BLOCK : number * BLOCK + len(rows)], (len(queries), 1))
        first = np.argpartition(-cosines, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        best = np.take_along_axis(cosines, first, axis=1)
        right = np.take_along_axis(np.hstack((right, some)), first, axis=1)
    found = 0
    for query, wanted in zip(queries, right.tolist(), strict=True):
        found += len(set(wanted) & {key for key, _ in vectors.nearest(query, NEAREST)[:NEIGHBOURS]})
    return round(found / right.size, 3)


def built(folder: Path, real: list[Real], embedded: Vector, count: int) -> tuple[Shop, dict[str, object]]:
    """The shop in the folder, and what it took to build what was not there."""
    figures: dict[str, object] = {}
    database = open_database(folder)
    begun = time.process_time()
    index_words(SearchView(database), real, count)
    figures["words_cpu_s"] = round(time.process_time() - begun)
    with database.read() as connection:
        keys = [key for (key,) in connection.execute("SELECT DISTINCT text_key FROM products")]
    vectors = FaissVectors(DIMENSION, folder=folder / "vectors")
    begun = time.process_time()
    if len(vectors.keys()) < len(keys):
        index_vectors(vectors, keys, embedded)
    figures["vectors_cpu_s"] = round(time.process_time() - begun)
    figures["built_peak_mb"] = peak()
    figures["disk_mb"] = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) >> 20
    return Shop(database, vectors, keys), figures


def measure(encoder: Encoder, count: int, folder: Path) -> dict[str, object]:
    """All figures."""
    real, real_file = real_products(), folder / "real.npy"
    if not real_file.exists():
        np.save(real_file, encoder.encode([each.title for each in real]))
    embedded = np.load(real_file)
    (database, vectors, keys), took = built(folder, real, embedded, count)
    titles = embedded[np.random.default_rng(5).choice(len(embedded), QUERIES, replace=False)]
    asked = encoder.encode(typed(real, seed=9))
    meaning = Meaning(encoder, vectors)
    ordering = Ordering(signals_of(database))
    searcher = Searcher(
        TantivyCatalogue(database), lambda: meaning, SqliteLexicon(database), ordering=ordering
    )
    search = searcher.search
    stock = Filter(currency="USD", maximum=50_000_000, in_stock_only=True)
    plain, filtered, priced = (typed(real, seed) for seed in (1, 2, 3))
    figures = {
        "products": count,
        "texts": len(keys),
        **took,
        "reference": cpu(lambda n: embedded[:REFERENCE] @ asked[n]),
        "nearest_10": cpu(lambda n: vectors.nearest(asked[n], NEIGHBOURS)),
        "nearest_200": cpu(lambda n: vectors.nearest(asked[n], NEAREST)),
        "embedding": cpu(lambda n: encoder.encode([plain[n]])),
        "search": cpu(lambda n: search(Request(plain[n]))),
        "search_filter_facets": cpu(lambda n: search(Request(filtered[n], stock, facets=FACETS))),
        "again": cpu(lambda n: search(Request(filtered[n], stock, facets=FACETS))),
        "broad_filter_facets": cpu(lambda n: search(Request("national", stock, facets=FACETS))),
        "by_price": cpu(lambda n: search(Request(priced[n], order=Order.PRICE_ASCENDING))),
        "listing_facets": cpu(lambda n: search(Request(facets=FACETS))),
        "peak_mb": peak(),
    }
    figures["recall_two_words"] = recall(vectors, keys, embedded, asked)
    figures["recall_titles"] = recall(vectors, keys, embedded, titles)
    database.close()
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    model = ModelStore(arguments.home, "search").current()
    assert model is not None, "run `aisle train search` first"
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print(json.dumps(measure(encoder_of(model), arguments.products, folder), indent=1))
