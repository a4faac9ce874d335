"""Records of the log to what pricing takes from them: catalogue words and observed prices."""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from aisle.catalog.v1 import money_pb2, product_pb2
from aisle.events.v1 import event_pb2
from google.protobuf.message import DecodeError

from services.kit.errors import ServiceError
from services.kit.ids import check_id
from services.kit.log import CATALOG, Record
from services.pricing.domain.limits import MAX_AMOUNT, SECOND
from services.pricing.domain.product import Money, Observed, Product

_CURRENCY: Final = re.compile(r"[A-Z]{3}")

_FOR_SALE: Final = (product_pb2.AVAILABILITY_UNSPECIFIED, product_pb2.AVAILABILITY_IN_STOCK)


class Told(NamedTuple):
    """The catalogue's word on a product, or a price seen in an order; `at` is when it holds from."""

    product_id: str
    at: int
    learnt: int
    fact: Product | Observed


def read(records: Iterable[Record]) -> tuple[list[Told], int]:
    """What the records tell, in order, and how many of them cannot be read."""
    told: list[Told] = []
    unreadable = 0
    for record in records:
        try:
            told += _catalog(record) if record.stream == CATALOG else _event(record)
        except (DecodeError, ServiceError):
            unreadable += 1
    return told, unreadable


def _catalog(record: Record) -> Iterator[Told]:
    change = product_pb2.ProductChange.FromString(record.payload)
    at = micros(record)
    if change.WhichOneof("change") == "upsert":
        said = change.upsert
        check_id(said.id, "id")
        fact = Product(
            price=_money(said.price) if said.HasField("price") else None,
            cost=_money(said.cost) if said.HasField("cost") else None,
            categories=tuple(said.categories),
            brand=said.brand,
            size=said.size,
            primary_id=said.primary_product_id,
            stock=max(0, said.available_quantity) if said.HasField("available_quantity") else None,
            available=said.availability in _FOR_SALE,
        )
        yield Told(said.id, at, at, fact)
    else:
        check_id(change.delete_id, "delete_id")
        yield Told(change.delete_id, at, at, Product(deleted=True))


def _event(record: Record) -> Iterator[Told]:
    event = event_pb2.Event.FromString(record.payload)
    if event.type != event_pb2.EVENT_TYPE_ORDER_COMPLETED:
        return
    learnt = micros(record)
    seconds, nanos = event.event_time.seconds, event.event_time.nanos
    # What an order paid cannot hold from a later time than the log learnt of it.
    at = max(0, min(seconds * SECOND + nanos // 1000, learnt))
    for detail in event.product_details:
        money = _money(detail.price) if detail.HasField("price") else None
        if money and money.micros:  # a gift, or a line without its price, says nothing of what it costs
            check_id(detail.product_id, "product_id")
            yield Told(detail.product_id, at, learnt, Observed(money, at, record.sequence))


def _money(money: money_pb2.Money) -> Money | None:
    if 0 <= money.amount_micros <= MAX_AMOUNT and _CURRENCY.fullmatch(money.currency_code):
        return Money(money.currency_code, money.amount_micros)
    return None


def micros(record: Record) -> int:
    """When the log took the record."""
    return int(record.time.timestamp() * SECOND)
