"""Search against others on the same judged shop: bm25s, tantivy alone, LanceDB and milvus-lite, in one run.

python -m tests.benchmarks.bench_search_rivals --home FOLDER [--without NAME ...]

FOLDER holds a model that `aisle train search` made; products' vectors are kept there for the next run. Rivals
get title and description (words) and the same vectors (meaning): LanceDB fuses both by reciprocal ranks,
milvus-lite finds by vectors. Each answers the same queries with DEPTH products in one thread; NDCG@10 is the
evaluation's own. Rates are of CPU, all threads and child processes of the rival counted.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import psutil
from aisle.catalog.v1 import product_pb2

from services.kit.models import ModelStore
from services.search.adapters.embedded_backend import EmbeddedBackend
from services.search.adapters.judged_files import read_judgements, read_products
from services.search.adapters.milvus_backend import MilvusBackend
from services.search.adapters.milvus_client import Milvus
from services.search.adapters.onnx_encoder import DIMENSION
from services.search.adapters.row_signals import signals_of
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_view import SearchView
from services.search.adapters.tantivy_index import analyser
from services.search.adapters.vector_table import VectorTable
from services.search.domain.dense import Meaning
from services.search.domain.measures import DEPTH, measures
from services.search.domain.ordering import Ordering
from services.search.domain.ports import Encoder, Vector
from services.search.domain.product import meaning
from services.search.domain.request import Request
from services.search.domain.search import Searcher
from services.search.server import encoder_of
from services.search.wire import product_of
from tests.search.shop import records, upsert

DATA: Final = Path(os.environ.get("AISLE_BENCH_DATA", "../shared/data")) / "search"
WARM: Final = 10
LEAST_SECONDS: Final = 1.0
Ranker = Callable[[str], Sequence[str]]


def aisle(
    backend: EmbeddedBackend | MilvusBackend,
    products: Sequence[product_pb2.Product],
    encoder: Encoder,
    rows: Vector,
) -> Ranker:
    """The service's own code, as it serves, on one of its engines."""
    database = backend.database
    backend.open()
    SearchView(database).apply(records([upsert(product) for product in products]))
    vectors = backend.vectors(encoder.tag)
    keys = {text: key for key, text in VectorTable(database).missing("")}
    vectors.add([keys[meaning(product_of(product))] for product in products], rows)
    found = Meaning(encoder, vectors)
    ordering = Ordering(signals_of(database))
    searcher = Searcher(backend, lambda: found, SqliteLexicon(database), ordering=ordering)
    return lambda query: [
        result.product_id for result in searcher.search(Request(query, page_size=DEPTH)).results
    ]


def bm25s_alone(ids: Sequence[str], texts: Sequence[str]) -> Ranker:
    """Words by bm25s, with its English stop words and the same stems as ours."""
    import bm25s  # type: ignore[import-not-found]

    terms = analyser().analyze
    index = bm25s.BM25()
    index.index([terms(text) for text in texts], show_progress=False)

    def rank(query: str) -> Sequence[str]:
        numbers, _ = index.retrieve([terms(query)], k=DEPTH, show_progress=False, n_threads=0)
        return [ids[number] for number in numbers[0]]

    return rank


def tantivy_alone(products: Sequence[product_pb2.Product]) -> Ranker:
    """Words by tantivy's own query parser over title and description."""
    import tantivy

    builder = tantivy.SchemaBuilder().add_text_field("id", stored=True, tokenizer_name="raw")
    for name in ("title", "description"):
        builder.add_text_field(name, tokenizer_name="en_stem")
    index = tantivy.Index(builder.build())
    writer = index.writer(50_000_000, 1)
    for product in products:
        writer.add_document(
            tantivy.Document(id=product.id, title=product.title, description=product.description)
        )
    writer.commit()
    index.reload()
    searcher = index.searcher()

    def rank(query: str) -> Sequence[str]:
        parsed, _ = index.parse_query_lenient(query, ["title", "description"])
        return [str(searcher.doc(at)["id"][0]) for _, at in searcher.search(parsed, DEPTH, count=False).hits]

    return rank


def lancedb_hybrid(
    folder: Path, ids: Sequence[str], texts: Sequence[str], encoder: Encoder, rows: Vector
) -> Ranker:
    """Words and vectors by LanceDB, fused by its default reranker."""
    import lancedb  # type: ignore[import-not-found]

    data = [
        {"id": id_, "text": text, "vector": row.tolist()}
        for id_, text, row in zip(ids, texts, rows, strict=True)
    ]
    table = lancedb.connect(folder).create_table("products", data)
    table.create_fts_index("text")

    def rank(query: str) -> Sequence[str]:
        asked = table.search(query_type="hybrid").vector(encoder.encode([query])[0]).text(query)
        return [row["id"] for row in asked.limit(DEPTH).to_list()]

    return rank


def milvus_lite(folder: Path, ids: Sequence[str], encoder: Encoder, rows: Vector) -> Ranker:
    """Vectors by milvus-lite."""
    from pymilvus import MilvusClient

    client = MilvusClient(str(folder / "milvus.db"))
    client.create_collection("products", dimension=DIMENSION, metric_type="IP")
    for start in range(0, len(ids), 1_000):
        some = range(start, min(start + 1_000, len(ids)))
        client.insert("products", [{"id": n, "vector": rows[n].tolist()} for n in some])

    def rank(query: str) -> Sequence[str]:
        asked = encoder.encode([query]).tolist()
        return [ids[hit["id"]] for hit in client.search("products", asked, limit=DEPTH)[0]]

    return rank


def figures(rank: Ranker, judged: Any) -> dict[str, float]:
    """Quality, and queries a second of CPU and of the clock; WARM queries are asked once before.

    All are asked again until that took LEAST_SECONDS of CPU, which is told in hundredths.
    """
    for query in list(judged)[:WARM]:
        rank(query)
    rounds, begun, before = 0, time.perf_counter(), cpu_seconds()
    while cpu_seconds() - before < LEAST_SECONDS:
        answers = {query: rank(query) for query in judged}
        rounds += 1
    seconds, spent = time.perf_counter() - begun, cpu_seconds() - before
    found = [measures(answers[query], grades) for query, grades in judged.items()]
    means = {name: float(np.mean([each[name] for each in found])) for name in found[0]}
    asked = rounds * len(judged)
    return {**means, "queries_per_second": asked / seconds, "queries_per_cpu_second": asked / spent}


def cpu_seconds() -> float:
    """What this process and its children have used."""
    own = psutil.Process()
    times = [each.cpu_times() for each in (own, *own.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def encoded(encoder: Encoder, texts: Sequence[str], kept: Path) -> Vector:
    """The texts' vectors, those of an earlier run where there are as many."""
    if kept.exists() and len(rows := np.load(kept)) == len(texts):
        return rows
    rows = encoder.encode(texts)
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.save(kept, rows)
    return rows


def measure(encoder: Encoder, home: Path, without: Sequence[str]) -> Iterator[tuple[str, dict[str, float]]]:
    """The figures of each, but of those that are left out."""
    products = list(read_products(DATA / "electronics-products.jsonl.gz"))
    judged = read_judgements(DATA / "electronics-judgements-dev.csv")
    ids = [product.id for product in products]
    texts = [meaning(product_of(product)) for product in products]
    rows = encoded(encoder, texts, home / "evaluation" / f"rivals-{quote(encoder.tag, safe='')}.npy")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        rivals: dict[str, Callable[[], Ranker]] = {
            "aisle": lambda: aisle(EmbeddedBackend(folder / "own"), products, encoder, rows),
            "bm25s": lambda: bm25s_alone(ids, [f"{p.title} {p.description}" for p in products]),
            "tantivy": lambda: tantivy_alone(products),
            "lancedb": lambda: lancedb_hybrid(folder / "lance", ids, texts, encoder, rows),
            "milvus-lite": lambda: milvus_lite(folder, ids, encoder, rows),
            "aisle on milvus-lite": lambda: aisle(
                MilvusBackend(folder / "milvus", Milvus(str(folder / "aisle.db"), seconds=600)),
                products,
                encoder,
                rows,
            ),
        }
        for name, made in rivals.items():
            if name not in without:
                yield name, figures(made(), judged)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--without", nargs="*", default=[])
    arguments = parser.parse_args()
    model = ModelStore(arguments.home, "search").current()
    assert model is not None, "run `aisle train search` first"
    for name, found in measure(encoder_of(model), arguments.home, arguments.without):
        print(json.dumps({name: found}), flush=True)
