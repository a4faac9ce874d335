"""The ledger of prices and the record of acts: only ever added to, each row chained to the one before."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, and_, insert, or_, select

from services.pricing.adapters import rows, tables
from services.pricing.adapters.database import Database
from services.pricing.domain import chain
from services.pricing.domain.account import Entry
from services.pricing.domain.audit import Act
from services.pricing.domain.chain import Link, Verified

CHUNK = 10_000
ASTRAY = 10


class Report(NamedTuple):
    """What became of a verification: of the ledger's chain, of the acts', and up to ten prices `astray`
    that are not the ledger's last word.
    """

    chain: Verified
    acts: Verified
    astray: list[tuple[str, str]]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.chain.sound and self.acts.sound and not self.astray


def append(database: Database, connection: Connection, entries: Sequence[tuple[str, str, Entry]]) -> None:
    """Adds entries of markets and products, in a transaction that nobody else writes beside."""
    if not entries:
        return
    link, added = _head(connection, tables.ledger), []
    for market, product_id, entry in entries:
        row, link = rows.entry_row(market, product_id, entry, link)
        added.append(row)
    database.append(connection, tables.ledger, added)


def record(connection: Connection, act: Act) -> None:
    """Adds what somebody did, in a transaction that nobody else writes beside."""
    connection.execute(insert(tables.acts), rows.act_row(act, _head(connection, tables.acts)))


def verify(database: Database, noted: str = "") -> Report:
    """Reads the whole ledger at one moment and makes each hash anew; a minute for some millions of entries.

    `noted` is the hash of a head that was told before: it must still be in the chain.
    """
    with database.read() as connection:
        return Report(
            chain.verify(_records(connection, tables.ledger), noted),
            chain.verify(_records(connection, tables.acts)),
            _astray(connection),
        )


def _head(connection: Connection, table: Table) -> Link:
    latest = table.c.sequence.desc()
    last = connection.execute(select(table.c.sequence, table.c.hash).order_by(latest).limit(1))
    return Link(*found) if (found := last.first()) else chain.START


def _records(connection: Connection, table: Table) -> Iterator[tuple[Link, dict[str, Any]]]:
    after, page = 0, select(table).order_by(table.c.sequence).limit(CHUNK)
    while found := connection.execute(page.where(table.c.sequence > after)).all():
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
