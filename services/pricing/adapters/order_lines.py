"""The lines of the log's orders: what sold when, at which price, how many pieces."""

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from aisle.events.v1 import event_pb2
from google.protobuf.message import DecodeError

from services.kit.log import EVENTS, Log, Record
from services.pricing.adapters.observations import micros


class Line(NamedTuple):
    """One product of an order; `time` in microseconds is no later than the log took it, `price` is of a
    piece.
    """

    product_id: str
    currency: str
    time: int
    price: int
    pieces: int


async def order_lines(log: Log, after: int) -> AsyncIterator[Line]:
    """All lines that the log holds by now, after a position. Raises ServiceError LOG_UNAVAILABLE."""
    end = await log.end(EVENTS)
    if end <= after:
        return
    async for records in log.read(EVENTS, after):
        for record in records:
            for line in _lines(record):
                yield line
        if records[-1].sequence >= end:
            return


def _lines(record: Record) -> Iterator[Line]:
    try:
        event = event_pb2.Event.FromString(record.payload)
    except DecodeError:
        return  # the service's view tells and counts what cannot be read
    if event.type != event_pb2.EVENT_TYPE_ORDER_COMPLETED:
        return
    time = min(event.event_time.ToMicroseconds(), micros(record))
    for detail in event.product_details:
        if detail.price.amount_micros > 0:
            yield Line(
                detail.product_id,
                detail.price.currency_code,
                time,
                detail.price.amount_micros,
                max(detail.quantity, 1),
            )
