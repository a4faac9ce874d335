"""The ledger in SQL: entries are only ever added, each chained to the one before."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, or_, select

from services.pricing.adapters import rows, tables
from services.pricing.adapters.database import Database
from services.pricing.domain import chain
from services.pricing.domain.account import Entry
from services.pricing.domain.chain import Link, Verified

CHUNK = 10_000
ASTRAY = 10


class Report(NamedTuple):
    """What became of a verification; `astray` are up to ten prices that are not the ledger's last word."""

    chain: Verified
    astray: list[tuple[str, str]]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.chain.problem and self.chain.noted and not self.astray


def append(database: Database, connection: Connection, entries: Sequence[tuple[str, str, Entry]]) -> None:
    """Adds entries of markets and products, in a transaction that nobody else writes beside."""
    if not entries:
        return
    link, added = _head(connection), []
    for market, product_id, entry in entries:
        row, link = rows.entry_row(market, product_id, entry, link)
        added.append(row)
    database.append(connection, tables.ledger, added)


def verify(database: Database, noted: str = "") -> Report:
    """Reads the whole ledger at one moment and makes each hash anew; a minute for some millions of entries.

    `noted` is the hash of a head that was told before: it must still be in the chain.
    """
    with database.read() as connection:
        return Report(chain.verify(_records(connection), noted), _astray(connection))


def _head(connection: Connection) -> Link:
    ledger = tables.ledger.c
    last = connection.execute(select(ledger.sequence, ledger.hash).order_by(ledger.sequence.desc()).limit(1))
    return Link(*found) if (found := last.first()) else chain.START


def _records(connection: Connection) -> Iterator[tuple[Link, dict[str, Any]]]:
    ledger, after = tables.ledger, 0
    page = select(ledger).order_by(ledger.c.sequence).limit(CHUNK)
    while found := connection.execute(page.where(ledger.c.sequence > after)).all():
        after = found[-1].sequence
        yield from map(rows.to_record, found)


def _astray(connection: Connection) -> list[tuple[str, str]]:
    """Prices whose last ledger entry is missing, has another amount, or is not the last."""
    prices, entry, later = tables.prices.c, tables.ledger.alias(), tables.ledger.alias()

    def numbered(ledger: Any, number: Any) -> Any:
        same = and_(ledger.c.market == prices.market, ledger.c.product_id == prices.product_id)
        return and_(same, ledger.c.number == number)

    joined = tables.prices.outerjoin(entry, numbered(entry, prices.number))
    joined = joined.outerjoin(later, numbered(later, prices.number + 1))
    wrong = or_(
        entry.c.number.is_(None),
        entry.c.price != prices.price,
        entry.c.currency != prices.currency,
        later.c.number.is_not(None),
    )
    found = select(prices.market, prices.product_id).select_from(joined).where(prices.number > 0, wrong)
    found = found.order_by(prices.market, prices.product_id).limit(ASTRAY)
    return [(row.market, row.product_id) for row in connection.execute(found)]
