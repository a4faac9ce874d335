"""Reads the log's messages into the domain's words."""

from aisle.catalog.v1 import product_pb2
from aisle.events.v1 import event_pb2

from services.kit.log import Record
from services.kit.stock import in_stock
from services.recsys.domain.catalogue import NO_PRICE, Product
from services.recsys.domain.signals import STRENGTH, Signal, session_key, shopper_keys

_BY_NUMBER = {event_pb2.EventType.Value(f"EVENT_TYPE_{name}"): how for name, how in STRENGTH.items()}


class UnreadableError(ValueError):
    """The record says nothing that this view could take."""


def change_of(record: Record) -> tuple[str, Product | None]:
    """A product's id and what it is from now on, None when it is gone. Raises ValueError or DecodeError."""
    change = product_pb2.ProductChange.FromString(record.payload)
    match change.WhichOneof("change"):
        case "upsert":
            return change.upsert.id, _product(change.upsert)
        case "delete_id":
            return change.delete_id, None
        case _:
            raise UnreadableError("a change of nothing")


def signal_of(record: Record) -> Signal | None:
    """What an event says of its shopper, None when nothing. Raises DecodeError.

    An event counts no later than it came, so that a clock that runs ahead does not outweigh all others.
    """
    event = event_pb2.Event.FromString(record.payload)
    how = _BY_NUMBER.get(event.type)
    keys = shopper_keys(event.user_id, event.visitor_id)
    if how is None or not keys:
        return None
    time = min(event.event_time.seconds + event.event_time.nanos / 1e9, record.time.timestamp())
    pieces: dict[str, int] = {}
    for detail in event.product_details:
        pieces[detail.product_id] = pieces.get(detail.product_id, 0) + max(detail.quantity, 1)
    device = keys[1] if len(keys) > 1 else ""
    session = session_key(event.session_id)
    return Signal(keys[0], *how, time, tuple(pieces.items()), device, session, event.segment)


def _product(message: product_pb2.Product) -> Product:
    return Product(
        message.id,
        message.title,
        message.brand,
        tuple(message.categories),
        message.price.currency_code if message.HasField("price") else "",
        message.price.amount_micros if message.HasField("price") else NO_PRICE,
        in_stock(message),
    )
