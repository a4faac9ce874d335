"""Judged catalogues from files: products in the import format, judgements as CSV."""

import csv
import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aisle.catalog.v1 import product_pb2
from google.protobuf.json_format import ParseDict

from services.search.domain.measures import TOP_GRADE, Grades

_COLUMNS = {"query", "product_id", "grade"}


def read_judgements(file: Path) -> dict[str, Grades]:
    """Each query's grades by product id. Raises ValueError for a file of another form."""
    found: dict[str, dict[str, int]] = {}
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = csv.DictReader(lines)
        if not _COLUMNS.issubset(rows.fieldnames or ()):
            raise ValueError(f"{file}: the first line must name the columns query,product_id,grade")
        for row in rows:
            found.setdefault(row["query"], {})[row["product_id"]] = _grade(row["grade"], file, rows.line_num)
    if not found:
        raise ValueError(f"{file}: there is no judgement in it")
    return dict(found)


def translated(judged: Mapping[str, Grades], file: Path) -> dict[str, Grades]:
    """The judgements under each query's translation (CSV: query,translation). Raises ValueError."""
    with file.open(newline="", encoding="utf-8-sig") as lines:
        translation = {row.get("query"): row.get("translation") for row in csv.DictReader(lines)}
    missing = [query for query in judged if not translation.get(query)]
    if missing:
        raise ValueError(f"{file}: there is no translation of {missing[0]!r}")
    return {str(translation[query]): grades for query, grades in judged.items()}


def _grade(text: str, file: Path, line: int) -> int:
    if not (text.isdigit() and int(text) <= TOP_GRADE):
        raise ValueError(f"{file}, line {line}: a grade is 0 to {TOP_GRADE}, not {text!r}")
    return int(text)


def read_products(file: Path) -> Iterator[product_pb2.Product]:
    """The file's products, one at a time: JSON Lines with `product_id` or `id`. Raises ValueError."""
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield _product(json.loads(line))
            except (KeyError, TypeError, AttributeError) as error:
                raise ValueError(f"{file}, line {number}: this is no product ({error!r})") from None


def _product(row: Mapping[str, Any]) -> product_pb2.Product:
    product = product_pb2.Product(
        id=str(row.get("product_id") or row["id"]),
        title=row["title"],
        description=row.get("description") or "",
        brand=row.get("brand") or "",
        categories=row.get("categories") or [],
        gtin=str(row.get("gtin") or ""),
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
