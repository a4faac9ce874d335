"""`aisle search report`: what shoppers search for, what they do not find, and what they type instead."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from aisle.events.v1 import event_pb2
from aisle.search.v1 import control_pb2
from google.protobuf.message import DecodeError

from services.kit.log import EVENTS, Log, Record
from services.kit.progress import Progress
from services.kit.reading import read_stream
from services.search.domain.journeys import Figures, Journeys
from services.search.domain.text import fingerprint

CLICKS: Final = frozenset(
    (
        event_pb2.EVENT_TYPE_PRODUCT_CLICKED,
        event_pb2.EVENT_TYPE_PRODUCT_VIEWED,
        event_pb2.EVENT_TYPE_PRODUCT_ADDED,
    )
)

MINED: Final = "mined-"
"""How the ids of controls begin that were mined from the log."""

ASKED: Final = 2_000
"""Queries, most searched first, that are searched for again to see whether they find nothing."""

Found = Callable[[str], Awaitable[int]]
"""How many products the running search finds for a query."""


async def report(log: Log, found: Found, *, progress: Progress, limit: int = 20) -> dict[str, Any]:
    """The queries of the whole log. Raises ServiceError(LOG_UNAVAILABLE).

    `top` is what is most searched; `no_click` the most searched that nobody clicked; `no_result` those of the
    ASKED most searched that find nothing now; `synonyms` pairs for the merchant to judge; `similar` queries
    by clicks.
    """
    journeys = await _read(log, progress)
    queries, similar = journeys.queries(), journeys.similar()
    empty = await _empty(queries[:ASKED], found, limit, progress)
    return {
        "queries": len(queries),
        "top": [{**figures._asdict(), "click_rate": figures.click_rate} for figures in queries[:limit]],
        "no_click": [figures._asdict() for figures in queries if not figures.clicked][:limit],
        "no_result": [figures._asdict() for figures in empty],
        "synonyms": [pair._asdict() for pair in journeys.anew()[:limit]],
        "similar": {figures.query: similar.get(figures.query, []) for figures in queries[:limit]},
    }


async def _empty(queries: Sequence[Figures], found: Found, limit: int, progress: Progress) -> list[Figures]:
    """The first of the queries that find nothing now."""
    empty = list[Figures]()
    for number, figures in enumerate(queries, 1):
        if not await found(figures.query):
            empty.append(figures)
        progress("searching", number, len(queries))
        if len(empty) == limit:
            break
    return empty


async def mined(log: Log, least: int, *, progress: Progress) -> list[control_pb2.Control]:
    """Controls that let words count as what at least so many shoppers typed instead, one way.

    Each is named MINED and a number of the pair, so that it is set once and can be told from the merchant's
    own. Raises ServiceError(LOG_UNAVAILABLE).
    """
    journeys = await _read(log, progress)
    return [
        control_pb2.Control(
            control_id=f"{MINED}{fingerprint(f'{pair.query}|{pair.instead}'):x}",
            synonyms=control_pb2.Synonyms(terms=[pair.query, pair.instead], one_way=True),
        )
        for pair in journeys.synonyms(least)
    ]


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
