"""The view's products, and since when each is known."""

import json
import sqlite3
from collections.abc import Iterator, Mapping

from services.recsys.domain.catalogue import Product

SCHEMA = """
CREATE TABLE IF NOT EXISTS products (
    product_id TEXT PRIMARY KEY, title TEXT NOT NULL, brand TEXT NOT NULL, categories TEXT NOT NULL,
    currency TEXT NOT NULL, price INTEGER NOT NULL, in_stock INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS arrivals (product_id TEXT PRIMARY KEY, since REAL NOT NULL) WITHOUT ROWID;
"""


def change(
    connection: sqlite3.Connection, changes: Mapping[str, Product | None], times: Mapping[str, float]
) -> None:
    """Takes products as they are from now on, None for a deleted one, and when the log first had each."""
    connection.executemany(
        "DELETE FROM products WHERE product_id = ?", [(product_id,) for product_id in changes]
    )
    connection.executemany(
        "INSERT INTO products VALUES (?, ?, ?, ?, ?, ?, ?)",
        [_columns(product) for product in changes.values() if product],
    )
    connection.executemany("INSERT OR IGNORE INTO arrivals VALUES (?, ?)", times.items())


def load(connection: sqlite3.Connection) -> Iterator[Product]:
    """Every product, by id."""
    for product_id, title, brand, categories, currency, price, in_stock in connection.execute(
        "SELECT * FROM products ORDER BY product_id"
    ):
        paths = tuple(json.loads(categories))
        yield Product(product_id, title, brand, paths, currency, price, bool(in_stock))


def arrivals(connection: sqlite3.Connection) -> list[tuple[str, float]]:
    """When the log first had each product that it ever had, as far as it remembers, by id."""
    return connection.execute("SELECT product_id, since FROM arrivals ORDER BY product_id").fetchall()


def _columns(product: Product) -> tuple[str | int, ...]:
    return (
        product.id,
        product.title,
        product.brand,
        json.dumps(product.categories, ensure_ascii=False),
        product.currency,
        product.price,
        int(product.in_stock),
    )
