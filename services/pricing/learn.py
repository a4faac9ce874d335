"""`aisle price learn`: counts who could buy at each price and who did, from the log's orders.

A shopper is a basket: each order since learning began could have held the product, at the price that was in
force then.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from aisle.events.v1 import event_pb2
from google.protobuf.message import DecodeError

from services.kit.log import EVENTS, Log
from services.kit.nats_log import NatsLog
from services.kit.progress import Progress
from services.pricing.config import Config
from services.pricing.domain.limits import SECOND


class Watched(NamedTuple):
    """A product: when learning began, and from when on which price was in force, oldest first (microseconds,
    micros)."""

    since: int
    prices: Sequence[tuple[int, int]]


class Counts(NamedTuple):
    """Baskets, and those with the product, while a price was in force."""

    offered: int
    sold: int


async def count(
    config: Config, watched: Mapping[str, Watched], *, progress: Progress, log: Log | None = None
) -> dict[str, dict[int, Counts]]:
    """Each product's counts by price in micros."""
    log = log or NatsLog(config.nats_url)
    times: list[int] = []
    bought: dict[str, list[int]] = {product_id: [] for product_id in watched}
    await log.start()
    try:
        end = await log.end(EVENTS)
        if end:
            async for records in log.read(EVENTS, 0):
                for record in records:
                    try:
                        event = event_pb2.Event.FromString(record.payload)
                    except DecodeError:
                        continue  # the service's view tells and counts what cannot be read
                    if event.type == event_pb2.EVENT_TYPE_ORDER_COMPLETED:
                        time = min(event.event_time.ToMicroseconds(), int(record.time.timestamp() * SECOND))
                        times.append(time)
                        for product_id in {detail.product_id for detail in event.product_details}:
                            if product_id in bought:
                                bought[product_id].append(time)
                progress("reading events", min(records[-1].sequence, end), end)
                if records[-1].sequence >= end:
                    break
    finally:
        await log.close()
    return {one: _counts(seen, times, bought[one]) for one, seen in watched.items()}


def _counts(seen: Watched, times: Sequence[int], bought: Sequence[int]) -> dict[int, Counts]:
    starts = np.array([start for start, _ in seen.prices], dtype=np.int64)
    told: dict[int, Counts] = {}
    offered, sold = (_by_price(starts, seen.since, of) for of in (times, bought))
    for (_, price), baskets, with_it in zip(seen.prices, offered, sold, strict=True):
        before = told.get(price, Counts(0, 0))
        told[price] = Counts(before.offered + int(baskets), before.sold + int(with_it))
    return told


def _by_price(starts: np.ndarray, since: int, times: Sequence[int]) -> np.ndarray:
    """How many of the times since then fall under each price."""
    known = np.array([time for time in times if time >= since], dtype=np.int64)
    place = np.searchsorted(starts, known, side="right") - 1
    return np.bincount(place[place >= 0], minlength=len(starts))
