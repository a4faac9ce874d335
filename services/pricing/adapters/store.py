"""The store: applies the log, each batch in one transaction, and keeps the quotes current.

This is a kit View over SQLAlchemy. Replicas may share one PostgreSQL: each follows the log, the first to
take in a record writes it, and all read what changed by its revision.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import OperationalError

from services.kit import logs
from services.kit.log import CATALOG, EVENTS, Record
from services.pricing.adapters import observations, rows, tables
from services.pricing.adapters.batch import Batch, Changed, is_live
from services.pricing.adapters.database import Database
from services.pricing.domain.policies import Policies
from services.pricing.domain.product import Observed
from services.pricing.domain.quotes import Quotes
from services.pricing.domain.terms import Stop

CHUNK = 2_000
"""Products in memory at once when many prices are made anew."""

RETRY_SECONDS = 0.5

_logger = logs.get(__name__)


class Store:
    """What writes go through. Methods block: call them in a thread. `now` is in microseconds since 1970."""

    streams: Sequence[str] = (CATALOG, EVENTS)

    def __init__(self, database: Database, quotes: Quotes, now: Callable[[], int]) -> None:
        self.database, self.quotes, self.now = database, quotes, now
        self._known: tuple[int, Policies] = (-1, Policies())
        self._seen = -1
        self._refreshing = threading.Lock()
        self.stopping = threading.Event()

    def open(self) -> None:
        """Creates missing tables and reads all prices."""
        self.database.create()
        self.refresh()

    def position(self, stream: str) -> int:
        """See kit View."""
        with self.database.read() as connection:
            return self.position_of(connection, stream)

    def apply(self, records: Sequence[Record]) -> None:
        """See kit View. Records that are taken in already, perhaps by another replica, change nothing.

        Waits while the database is away: a record that is skipped would be missing for ever.
        """
        while True:
            try:
                return self._apply(records)
            except OperationalError as error:
                _logger.warning("pricing.database_away", **logs.bug(error))
                if self.stopping.wait(RETRY_SECONDS):
                    raise

    def _apply(self, records: Sequence[Record]) -> None:
        changed: list[Changed] = []
        with self.change() as (connection, revision):
            stream = records[0].stream
            position = self.position_of(connection, stream)
            told, unreadable = observations.read(record for record in records if record.sequence > position)
            if unreadable:
                _logger.warning("pricing.unreadable_records", stream=stream, count=unreadable)
            if told:
                batch = Batch(
                    self.database,
                    connection,
                    self.policies(connection),
                    {word.product_id for word in told},
                    earliest=min(word.at for word in told),
                    live=any(is_live(word.at, word.learnt) for word in told),
                )
                for word in told:
                    if isinstance(word.fact, Observed):
                        batch.observe(word.product_id, word.fact, word.learnt)
                    else:
                        batch.learn(word.product_id, word.fact, word.at)
                changed = batch.write(revision)
            row = {"stream": stream, "sequence": max(position, records[-1].sequence)}
            self.database.put(connection, tables.positions, [row])
        self._take_over(revision, changed)

    def clear(self) -> None:
        """See kit View. Policies and ledger stay: they are records of account."""
        with self.change() as (connection, revision):
            for table in (tables.products, tables.observed, tables.positions):
                connection.execute(delete(table))
            connection.execute(update(tables.prices).values(listed=False, due=None, revision=revision))
        self.refresh()

    def make_due(self) -> int:
        """Makes prices anew that a daily step held back until now, CHUNK at most; says how many."""
        prices, now = tables.prices, self.now()
        due = select(prices.c.market, prices.c.product_id).where(prices.c.due <= now)
        with self.database.read() as connection:
            if connection.execute(due.limit(1)).first() is None:
                return 0
        with self.change() as (connection, revision):
            found = connection.execute(due.order_by(prices.c.due).limit(CHUNK)).all()
            ids = {product_id for _, product_id in found}
            batch = Batch(self.database, connection, self.policies(connection), ids, earliest=now)
            for market, product_id in found:
                batch.reprice_in(market, product_id, now, now)
            batch.write(revision)
        self.refresh()
        return len(found)

    def _take_over(self, revision: int, changed: Sequence[Changed]) -> None:
        """Brings the quotes up to a revision of our own, without a query when it is the next."""
        with self._refreshing:
            if self._seen == revision - 1:
                for market, product_id, state in changed:
                    self.quotes.put(market, product_id, state)
                self._seen = revision
                return
        self.refresh()

    def refresh(self) -> None:
        """Brings the quotes up to what is committed, whoever wrote it."""
        prices = tables.prices
        with self._refreshing, self.database.read() as connection:
            revision = self.database.counter(connection, tables.REVISION)
            if revision == self._seen:
                return
            self.quotes.open(self.policies(connection).markets)
            changed = select(prices).where(prices.c.revision > self._seen)
            for row in connection.execution_options(yield_per=CHUNK).execute(changed):
                self.quotes.put(row.market, row.product_id, rows.to_state(row))
            self._seen = revision

    @contextmanager
    def change(self) -> Iterator[tuple[Connection, int]]:
        """A transaction and the revision that it makes."""
        with self.database.write() as connection:
            revision = self.database.counter(connection, tables.REVISION) + 1
            yield connection, revision
            raise_counter(connection, tables.REVISION)

    def position_of(self, connection: Connection, stream: str) -> int:
        """How far a stream is taken in, in a transaction."""
        positions = tables.positions
        found = select(positions.c.sequence).where(positions.c.stream == stream)
        return connection.execute(found).scalar() or 0

    def policies(self, connection: Connection) -> Policies:
        """All policies and stops that are committed; read again only when another came."""
        revision = self.database.counter(connection, tables.POLICY_REVISION)
        if self._known[0] != revision:
            found = connection.execute(select(tables.policies))
            stops = connection.execute(select(tables.stops))
            known = Policies(map(rows.to_policy, found), (Stop(*row) for row in stops))
            self._known = (revision, known)
        return self._known[1]


def raise_counter(connection: Connection, name: str) -> None:
    """Tells all replicas that something changed."""
    counters = tables.counters
    connection.execute(update(counters).where(counters.c.name == name).values(value=counters.c.value + 1))
