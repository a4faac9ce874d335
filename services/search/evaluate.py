"""`aisle evaluate search`: ranks a judged catalogue by the code that serves, and tells how well.

Products are JSON Lines (product_id or id, title, description, brand, categories, price, currency,
attributes), judgements are CSV (query, product_id, grade from 0 to 3).
"""

import asyncio
import csv
import gzip
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from aisle.catalog.v1 import product_pb2
from google.protobuf.json_format import ParseDict

from services.kit.log import BATCH, CATALOG, Record
from services.kit.models import ModelStore
from services.kit.progress import Metric, Progress
from services.search.adapters.embedder import Embedder
from services.search.adapters.faiss_vectors import FaissVectors
from services.search.adapters.onnx_encoder import DIMENSION
from services.search.adapters.sqlite_lexicon import SqliteLexicon
from services.search.adapters.sqlite_shelf import SqliteCatalogue
from services.search.adapters.sqlite_view import SearchView, open_database
from services.search.config import Config
from services.search.domain.request import MAX_PAGE, Request
from services.search.domain.search import Searcher
from services.search.server import encoder_of

TOP: Final = 10
TOP_GRADE: Final = 3
RESAMPLES: Final = 1_000
_WHEN: Final = datetime(1970, 1, 1, tzinfo=UTC)

Grades = Mapping[str, int]


async def evaluate(
    config: Config, *, progress: Progress, products: str | Path, judgements: str | Path
) -> dict[str, Any]:
    """Figures with 95% intervals over the queries, for what serves and for words alone ("lexical_...").

    Raises OSError or ValueError when a file cannot be read, LookupError when no model is there.
    """
    judged = read_judgements(Path(judgements))
    model = await asyncio.to_thread(ModelStore(config.home, "search").current)
    if model is None:
        raise LookupError("there is no model: run `aisle train search`")
    with TemporaryDirectory() as temporary, ExitStack() as open_files:
        database = open_database(Path(temporary))
        open_files.callback(database.close)
        await asyncio.to_thread(_index, SearchView(database), Path(products), progress)
        embedder = Embedder(
            database, encoder_of, lambda: FaissVectors(DIMENSION), threads=config.embed_threads
        )
        await asyncio.to_thread(embedder.load, model)
        progress("embedding products", 0, 0)
        meaning = embedder.meaning
        assert meaning is not None, "load() serves the first model at once"
        await embedder.tend(meaning)
        catalogue, lexicon = SqliteCatalogue(database), SqliteLexicon(database)
        hybrid = _figures("", Searcher(catalogue, lambda: meaning, lexicon), judged, progress)
        lexical = _figures("lexical_", Searcher(catalogue, lambda: None, lexicon), judged, progress)
        await embedder.close()
    return {"model": model.version, "queries": len(judged), "metrics": {**hybrid, **lexical}}


def read_judgements(file: Path) -> dict[str, Grades]:
    """Each query's grades by product id."""
    found: dict[str, dict[str, int]] = {}
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row["query"], {})[row["product_id"]] = int(row["grade"])
    return dict(found)


def read_products(file: Path) -> Iterator[product_pb2.Product]:
    """The file's products, one at a time: the import format, with `product_id` or `id`."""
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield _product(json.loads(line))


def _product(row: Mapping[str, Any]) -> product_pb2.Product:
    product = product_pb2.Product(
        id=str(row.get("product_id") or row["id"]),
        title=row["title"],
        description=row.get("description") or "",
        brand=row.get("brand") or "",
        categories=row.get("categories") or [],
    )
    price = row.get("price")
    if isinstance(price, dict):
        ParseDict(price, product.price)
    elif price is not None:
        product.price.currency_code = row.get("currency") or "USD"
        product.price.amount_micros = round(float(price) * 1_000_000)
    for name, value in (row.get("attributes") or {}).items():
        values = value if isinstance(value, list) else [value]
        # "yes" and "N" say that there is a property, not what it is.
        product.attributes[name].texts.extend(str(each) for each in values if each not in ("yes", "N"))
    return product


def _index(view: SearchView, file: Path, progress: Progress) -> None:
    records: list[Record] = []
    done = 0
    for done, product in enumerate(read_products(file), 1):
        change = product_pb2.ProductChange(upsert=product)
        records.append(Record(CATALOG, done, product.id, change.SerializeToString(), _WHEN))
        if len(records) == BATCH:
            view.apply(records)
            records.clear()
            progress("indexing products", done, 0)
    if records:
        view.apply(records)
    progress("indexing products", done, done)


def _figures(
    prefix: str, searcher: Searcher, judged: Mapping[str, Grades], progress: Progress
) -> dict[str, Metric]:
    per_query: dict[str, list[float]] = {}
    for done, (query, grades) in enumerate(judged.items(), 1):
        page = searcher.search(Request(query=query, page_size=MAX_PAGE))
        found = [result.product_id for result in page.results]
        for name, value in measures(found, grades).items():
            per_query.setdefault(prefix + name, []).append(value)
        progress(f"{prefix}queries".replace("_", " "), done, len(judged))
    return {name: interval(values) for name, values in per_query.items()}


def measures(found: Sequence[str], grades: Grades) -> dict[str, float]:
    """One query's figures. Condensed: products without a judgement are taken out of the answer first."""
    good = {product for product, grade in grades.items() if grade > 0}
    condensed = [product for product in found if product in grades]
    first = next((rank for rank, product in enumerate(found[:TOP], 1) if product in good), 0)
    return {
        f"ndcg@{TOP}": ndcg(found, grades),
        f"ndcg@{TOP}_condensed": ndcg(condensed, grades),
        f"recall@{MAX_PAGE}": len(good.intersection(found)) / len(good) if good else 0.0,
        f"mrr@{TOP}": 1 / first if first else 0.0,
        "zero_result_rate": float(not found),
    }


def ndcg(found: Sequence[str], grades: Grades) -> float:
    """Discounted gain of the first TOP over the best there can be: gain grade/3, discount log2(rank + 1)."""
    ideal = _gain(sorted(grades.values(), reverse=True))
    return _gain([grades.get(product, 0) for product in found]) / ideal if ideal else 0.0


def _gain(grades: Sequence[int]) -> float:
    return sum(grade / TOP_GRADE / math.log2(rank + 1) for rank, grade in enumerate(grades[:TOP], 1))


def interval(values: Sequence[float]) -> Metric:
    """The mean and its 95% bootstrap interval, the same at every run."""
    draws = np.random.default_rng(0).choice(np.asarray(values), (RESAMPLES, len(values)))
    low, high = np.quantile(draws.mean(axis=1), (0.025, 0.975))
    return {"value": mean(values), "low": float(low), "high": float(high)}
