"""`aisle search report`: what shoppers search for, what they do not find, and what they type instead."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aisle.events.v1 import event_pb2
from google.protobuf.message import DecodeError

from services.kit.log import EVENTS, Log, Record
from services.kit.progress import Progress
from services.kit.reading import read_stream
from services.search.domain.journeys import Journeys

CLICKS: Final = frozenset(
    (
        event_pb2.EVENT_TYPE_PRODUCT_CLICKED,
        event_pb2.EVENT_TYPE_PRODUCT_VIEWED,
        event_pb2.EVENT_TYPE_PRODUCT_ADDED,
    )
)

Found = Callable[[str], Awaitable[int]]
"""How many products the running search finds for a query."""


async def report(log: Log, found: Found, *, progress: Progress, limit: int = 20) -> dict[str, Any]:
    """The queries of the whole log. Raises ServiceError(LOG_UNAVAILABLE).

    `top` is what is most searched; `no_click` the most searched that nobody clicked; `no_result` those of the
    queries that find nothing now; `synonyms` pairs for the merchant to judge; `similar` queries by clicks.
    """
    journeys = await _read(log, progress)
    queries, similar = journeys.queries(), journeys.similar()
    empty = [figures for figures in queries if not await found(figures.query)]
    return {
        "queries": len(queries),
        "top": [{**figures._asdict(), "click_rate": figures.click_rate} for figures in queries[:limit]],
        "no_click": [figures._asdict() for figures in queries if not figures.clicked][:limit],
        "no_result": [figures._asdict() for figures in empty[:limit]],
        "synonyms": [pair._asdict() for pair in journeys.anew()[:limit]],
        "similar": {figures.query: similar.get(figures.query, []) for figures in queries[:limit]},
    }


async def _read(log: Log, progress: Progress) -> Journeys:
    """All that shoppers did up to now."""
    journeys = Journeys()
    async for record in read_stream(log, EVENTS, progress):
        _take(journeys, record)
    return journeys


def _take(journeys: Journeys, record: Record) -> None:
    try:
        event = event_pb2.Event.FromString(record.payload)
    except DecodeError:
        return  # the view tells and counts what cannot be read
    shopper = f"u{event.user_id}" if event.user_id else f"v{event.visitor_id}"
    time = event.event_time.ToNanoseconds() / 1e9
    if event.type == event_pb2.EVENT_TYPE_PRODUCTS_SEARCHED:
        journeys.searched(shopper, event.search_query, time)
    elif event.type in CLICKS:
        for detail in event.product_details:
            journeys.clicked(shopper, detail.product_id, time)
