"""What the database knows of products' past: when they were for sale, and at which price."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import make_url, select

from services.pricing.adapters import tables
from services.pricing.adapters.database import Database
from services.pricing.domain.demand.shelf import Shelf
from services.pricing.domain.limits import DEFAULT_MARKET

CHUNK = 2_000


def exists(url: str) -> bool:
    """Whether there is a database to read: a file of SQLite is not made by looking."""
    parsed = make_url(url)
    return parsed.get_backend_name() != "sqlite" or bool(parsed.database and Path(parsed.database).exists())


def read(database: Database, product_ids: Sequence[str], currency: str) -> Shelf:
    """The records of products; prices are those of the market "default" in one currency. Blocks."""
    sale: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    asked: dict[str, list[tuple[int, int]]] = defaultdict(list)
    spells, ledger = tables.availability, tables.ledger
    for start in range(0, len(product_ids), CHUNK):
        ids = product_ids[start : start + CHUNK]
        with database.read() as connection:
            here: Any = database.among(spells.c.product_id, ids)
            for row in connection.execute(select(spells).where(here).order_by(spells.c.time)):
                sale[row.product_id].append((row.time, bool(row.sale)))
            here = database.among(ledger.c.product_id, ids) & (ledger.c.market == DEFAULT_MARKET)
            found = select(ledger.c.product_id, ledger.c.time, ledger.c.price, ledger.c.currency)
            for row in connection.execute(found.where(here).order_by(ledger.c.number)):
                if row.currency == currency:
                    asked[row.product_id].append((row.time, row.price))
    return Shelf(sale, asked)
