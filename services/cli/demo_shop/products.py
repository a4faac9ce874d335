"""Gives every product that was ever sold a title, categories, brand, size and list price."""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pyarrow as pa

from services.cli.demo_shop import words

CURRENCY = "USD"
RECENT_LINES = 9  # the list price is the median shelf price of a product's last sales
SHIPPING_CASE_LB = 10  # fresh goods carry the shipping case's weight as their size: not what a shopper gets
_FRESH = frozenset({"PRODUCE", "MEAT", "DELI", "SEAFOOD", "FLORAL", "SALAD BAR", "PASTRY"})
PRIVATE_LABEL = "Private Label"


class Names:
    """The hand-made names of names.csv; texts that are not in it are read by words.readable."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}
        with resources.files(__package__).joinpath("names.csv").open("r", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                self._known[row["kind"], row["source"]] = row["name"]

    def department(self, text: str) -> str:
        """ "DRUG GM" -> "Health & Home"."""
        return self._known.get(("department", text)) or words.readable(text) or "Other"

    @cache  # noqa: B019
    def category(self, text: str) -> str:
        """ "FRZN POTATOES" -> "Frozen Potatoes"."""
        return self._known.get(("category", text)) or words.readable(text) or "Other"

    @cache  # noqa: B019  # one Names a run
    def type(self, text: str, category: str) -> str:
        """ "PREMIUM" is "Premium Bacon" or "Premium Ice Cream", as its category says."""
        known = self._known.get(("type", f"{text}|{category}")) or self._known.get(("type", text))
        if known:
            return known
        name = words.readable(text)
        if len(name) < 3:
            return self.category(category)
        noun = self.category(category)
        return f"{name} {noun}" if name in _ONLY_ADJECTIVES else name


_ONLY_ADJECTIVES = frozenset(
    [
        "Premium",
        "Value",
        "Economy",
        "Traditional",
        "Fresh",
        "Dry",
        "Other",
        "Assorted",
        "Lean",
        "Red",
        "Pre Cooked",
        "Specialty",
        "Seasoned",
        "Marinated",
        "Natural",
        "Organic",
        "Cooked",
        "Frozen",
        "Misc",
        "Microwave",
        "Novelties",
        "Promotional",
        "Promo",
        "Accessories",
        "Kits",
        "Blends",
        "Sets",
        "Bargain",
    ]
)


@dataclass(frozen=True)
class _Described:
    id: int
    name: str
    categories: str
    brand: str
    size: str
    manufacturer: int
    sold: int
    fresh: bool


def rows(products: pa.Table, lines: pa.Table) -> Iterator[dict[str, Any]]:
    """One import row (docs/cli.md) for each product that was ever sold, best sellers first in each title."""
    price = list_prices(lines)
    sold = Counter(lines["product_id"].to_pylist())
    names = Names()
    described = [_describe(row, names, sold) for row in _sold(products, sold)]
    titles = distinct_titles(described)
    for product in described:
        yield {
            "id": str(product.id),
            "title": titles[product.id],
            "categories": [product.categories],
            "brand": product.brand,
            **({"size": product.size} if product.size else {}),
            "price": {"currency_code": CURRENCY, "amount_micros": price[product.id] * 10_000},
            "availability": "IN_STOCK",
            "attributes": {"manufacturer": [str(product.manufacturer)]},
            "language_code": "en",
        }


def _sold(products: pa.Table, sold: Mapping[int, int]) -> Iterator[dict[str, Any]]:
    for batch in products.to_batches(max_chunksize=10_000):
        yield from (row for row in batch.to_pylist() if row["product_id"] in sold)


def _describe(row: dict[str, Any], names: Names, sold: Mapping[int, int]) -> _Described:
    category = names.category(row["product_category"])
    name = names.type(row["product_type"], row["product_category"])
    levels = [names.department(row["department"]), category, name]
    path = [level for place, level in enumerate(levels) if level not in levels[:place]]
    private = row["brand"] == "Private"
    return _Described(
        id=row["product_id"],
        name=name,
        categories=" > ".join(path),
        brand=PRIVATE_LABEL if private else f"Brand {row['manufacturer_id']}",
        size=_size(row["package_size"], row["department"]),
        manufacturer=row["manufacturer_id"],
        sold=sold[row["product_id"]],
        fresh=row["department"] in _FRESH,
    )


def _size(text: str | None, department: str) -> str:
    size = words.size(text or "")
    amount, _, unit = size.rpartition(" ")
    if department in _FRESH and unit in ("lb", "count") and amount != "per":
        heavy = float(re.split("[- ]", amount)[-1]) >= SHIPPING_CASE_LB
        if heavy or unit == "count":
            return ""
    return size


def distinct_titles(products: Sequence[_Described]) -> dict[int, str]:
    """A title for each product id, no two alike: name and size, then brand, then a number."""
    titles = {product.id: ", ".join(filter(None, (product.name, product.size))) for product in products}
    for same in _alike(products, titles):
        for product in same:
            if not product.fresh:  # nobody asks for a banana by its brand
                titles[product.id] += f", {product.brand}"
    for same in _alike(products, titles):
        by_sales = sorted(same, key=lambda p: (-p.sold, p.id))
        for number, product in enumerate(by_sales[1:], start=2):
            titles[product.id] += f", No. {number}"
    return titles


def _alike(products: Sequence[_Described], titles: Mapping[int, str]) -> list[list[_Described]]:
    groups: defaultdict[str, list[_Described]] = defaultdict(list)
    for product in products:
        groups[titles[product.id]].append(product)
    return [group for group in groups.values() if len(group) > 1]


def list_prices(lines: pa.Table) -> dict[int, int]:
    """Product id -> list price in cents: the median shelf price of its last sales."""
    ids, shelf = lines["product_id"].to_numpy(), lines["shelf"].to_numpy()
    order = np.argsort(ids, kind="stable")
    ids, shelf = ids[order], shelf[order]
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])
    ends = np.r_[starts[1:], len(ids)]
    return {
        int(ids[start]): max(1, round(float(np.median(shelf[max(start, end - RECENT_LINES) : end])) * 100))
        for start, end in zip(starts, ends, strict=True)
    }
