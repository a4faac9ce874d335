"""Reads from the log what searches were answered with and what shoppers took of it; and the catalogue."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from aisle.catalog.v1 import product_pb2
from aisle.events.v1 import event_pb2
from google.protobuf.message import DecodeError

from services.kit.log import CATALOG, EVENTS, Log, Record
from services.kit.progress import Progress
from services.kit.reading import done_at, read_stream, request_of
from services.search.adapters.sqlite_signals import SOLD
from services.search.domain.clicks import DEEPEST, Done, Listed, Shown, join
from services.search.domain.signals import Sales, strength_of

WANTED: Final = {
    event_pb2.EVENT_TYPE_PRODUCT_CLICKED: 1,
    event_pb2.EVENT_TYPE_PRODUCT_VIEWED: 1,
    event_pb2.EVENT_TYPE_PRODUCT_ADDED: 2,
    event_pb2.EVENT_TYPE_ORDER_COMPLETED: 3,
}
"""How much an event of each type says that a product was wanted."""

SHOWING: Final = (event_pb2.EVENT_TYPE_PRODUCTS_SEARCHED, event_pb2.EVENT_TYPE_PRODUCT_LIST_VIEWED)


async def read_lists(log: Log, progress: Progress) -> list[Shown]:
    """Answers of searches that were seen, in order of time.

    A list is a PRODUCTS_SEARCHED or PRODUCT_LIST_VIEWED event with a token and its products; its query is its
    own, or that of the PRODUCTS_SEARCHED event with the same token. What sold before it, by the log's order,
    is all that its products' popularity knows.
    """
    lists, done, queries, sales = list[Listed](), list[Done](), dict[str, str](), Sales()
    async for record in read_stream(log, EVENTS, progress):
        try:
            event = event_pb2.Event.FromString(record.payload)
        except DecodeError:
            continue  # the view tells and counts what cannot be read
        time, request_id = done_at(event, record), request_of(event.attribution_token)
        if request_id and event.type in SHOWING:
            queries.setdefault(request_id, event.search_query)
            lists += _listed(event, request_id, time, sales)
        elif request_id and event.type in WANTED:
            wanted = WANTED[event.type]
            done += (Done(request_id, each.product_id, time, wanted) for each in event.product_details)
        if count := SOLD.get(event.type):
            for product_id in {detail.product_id for detail in event.product_details}:
                sales.add(product_id, strength_of(count, time))
    named = (one._replace(query=one.query or queries[one.request_id]) for one in lists)
    return join((one for one in named if one.query), done)


def _listed(event: event_pb2.Event, request_id: str, time: float, sales: Sales) -> Sequence[Listed]:
    """The event's list, if it has one; a product whose position is not told stands where it is named."""
    places: dict[str, int] = {}
    for at, detail in enumerate(event.product_details, 1):
        places.setdefault(detail.product_id, min(detail.position if detail.position > 0 else at, DEEPEST))
    if not places:
        return ()
    positions = np.array(list(places.values()), np.int64)
    popularity = np.array([sales.popularity(name, time) for name in places])
    return (Listed(request_id, event.search_query, time, list(places), positions, popularity),)


async def read_catalogue(log: Log, progress: Progress) -> list[product_pb2.Product]:
    """The shop's products as they are now."""
    products: dict[str, product_pb2.Product] = {}
    async for record in read_stream(log, CATALOG, progress):
        _take(products, record)
    return list(products.values())


def _take(products: dict[str, product_pb2.Product], record: Record) -> None:
    try:
        change = product_pb2.ProductChange.FromString(record.payload)
    except DecodeError:
        return
    if change.WhichOneof("change") == "upsert":
        products[change.upsert.id] = change.upsert
    else:
        products.pop(change.delete_id, None)
