"""A shop in a few words: products, orders and policies, put straight into a pricing store.

Amounts are written as people write them (2.50), times are days and seconds of the test's own clock.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from aisle.catalog.v1 import product_pb2
from aisle.events.v1 import event_pb2
from sqlalchemy import Table, select

from services.kit.log import CATALOG, EVENTS, Record
from services.pricing.adapters import rows, tables
from services.pricing.adapters.competitors import Watch
from services.pricing.adapters.database import Database
from services.pricing.adapters.desk import Desk
from services.pricing.adapters.governing import Governor
from services.pricing.adapters.store import Store
from services.pricing.domain.account import Entry
from services.pricing.domain.competitor import Rival
from services.pricing.domain.limits import DAY, MICROS
from services.pricing.domain.policy import Policy
from services.pricing.domain.ports import Imported, Seen
from services.pricing.domain.quotes import Quote, Quotes

START = datetime(2030, 1, 1, tzinfo=UTC)
START_MICROS = int(START.timestamp()) * MICROS


def units(amount: float) -> int:
    """An amount in micros."""
    return round(amount * MICROS)


class Clock:
    """Microseconds since 1970."""

    def __init__(self) -> None:
        self.now = START_MICROS

    def __call__(self) -> int:
        return self.now

    def go(self, days: float) -> None:
        """Moves on, or back."""
        self.now += round(days * DAY)


def product(
    product_id: str,
    price: float | None = None,
    *,
    cost: float | None = None,
    currency: str = "USD",
    categories: Sequence[str] = (),
) -> product_pb2.ProductChange:
    """A word of the catalogue."""
    change = product_pb2.ProductChange()
    change.upsert.id, change.upsert.title = product_id, product_id
    change.upsert.categories.extend(categories)
    if price is not None:
        change.upsert.price.currency_code, change.upsert.price.amount_micros = currency, units(price)
    if cost is not None:
        change.upsert.cost.currency_code, change.upsert.cost.amount_micros = currency, units(cost)
    return change


def deletion(product_id: str) -> product_pb2.ProductChange:
    """The catalogue's word that a product is gone."""
    return product_pb2.ProductChange(delete_id=product_id)


def order(
    lines: dict[str, float], at: int, *, currency: str = "USD", shopper: str = "ann"
) -> event_pb2.Event:
    """An order with what one piece of each product cost."""
    event = event_pb2.Event(type=event_pb2.EVENT_TYPE_ORDER_COMPLETED, user_id=shopper, order_id="o")
    event.event_time.FromMicroseconds(at)
    for product_id, price in lines.items():
        detail = event.product_details.add(product_id=product_id, quantity=2)
        detail.price.currency_code, detail.price.amount_micros = currency, units(price)
    return event


def record(
    stream: str, sequence: int, message: product_pb2.ProductChange | event_pb2.Event, at: int
) -> Record:
    """A record of the log that it took at a time."""
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    return Record(stream, sequence, str(sequence), message.SerializeToString(), time)


class Shop:
    """A store and its log's ends."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.clock, self.quotes, self.database = clock, Quotes(), Database(url)
        self.store = Store(self.database, self.quotes, clock)
        self.store.open()
        self.governor, self.desk = Governor(self.store), Desk(self.store)
        self.watch = Watch(self.store)
        self._ends = {CATALOG: 0, EVENTS: 0}

    def catalog(self, *changes: product_pb2.ProductChange) -> None:
        """The log takes these words of the catalogue now."""
        self._apply(CATALOG, changes)

    def orders(self, *events: event_pb2.Event) -> None:
        """The log takes these events now."""
        self._apply(EVENTS, events)

    def _apply(self, stream: str, messages: Sequence[product_pb2.ProductChange | event_pb2.Event]) -> None:
        records = []
        for message in messages:
            self._ends[stream] += 1
            records.append(record(stream, self._ends[stream], message, self.clock.now))
        self.store.apply(records)

    def policy(self, policy: Policy) -> Policy:
        """Sets a policy."""
        return self.governor.set_policy(policy)

    def seen(self, product_id: str, **prices: float) -> Imported:
        """Competitors, by name, are seen to ask these prices now."""
        return self.watch.take_in(
            "default",
            [
                Seen(place, product_id, Rival(name, "USD", units(price), self.clock.now))
                for place, (name, price) in enumerate(prices.items())
            ],
            "ann",
        )

    def quote(self, product_id: str, market: str = "default") -> Quote | None:
        """The quote now; None for an unpriced product."""
        quotes, _ = self.quotes.of(market, [product_id], self.clock.now)
        return quotes[0] if quotes else None

    def price(self, product_id: str, market: str = "default") -> float | None:
        """The price now."""
        quote = self.quote(product_id, market)
        return quote.price / MICROS if quote else None

    def ledger(self, product_id: str, market: str = "default") -> list[tuple[float, float]]:
        """Days since the start and prices, oldest first."""
        entries = self.entries(product_id, market)
        return [((entry.time - START_MICROS) / DAY, entry.price / MICROS) for entry in entries]

    def entries(self, product_id: str, market: str = "default") -> list[Entry]:
        """The ledger of a product, oldest first."""
        ledger = tables.ledger
        found = select(ledger).where(ledger.c.market == market, ledger.c.product_id == product_id)
        with self.database.read() as connection:
            return [rows.to_entry(row) for row in connection.execute(found.order_by(ledger.c.number))]

    def close(self) -> None:
        """Lets the database go."""
        self.database.close()


def contents(database: Database, *names: Table) -> dict[str, list[tuple[object, ...]]]:
    """All rows of some tables, in order, without the count of transactions."""
    found = {}
    with database.read() as connection:
        for table in names:
            columns = [column for column in table.columns if column.name != "revision"]
            rows = connection.execute(select(*columns).order_by(*table.primary_key.columns))
            found[table.name] = [tuple(row) for row in rows]
    return found
