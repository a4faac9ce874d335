"""Keeps what was drawn in the log, and reads it again with what shoppers did."""

import asyncio
from contextlib import suppress
from typing import Final

import numpy as np
from aisle.events.v1 import event_pb2
from aisle.recsys.v1 import slate_pb2
from google.protobuf.message import DecodeError

from services.kit import logs
from services.kit.errors import ServiceError
from services.kit.log import EVENTS, SLATES, Entry, Log, Record
from services.kit.progress import Progress
from services.kit.reading import done_at, read_stream, request_of
from services.recsys.domain.exploration.responses import Done, Shown
from services.recsys.domain.exploration.slots import FEATURES, Drawn, Slot

WAITING: Final = 10_000
"""Slates that wait for a log that does not answer; the oldest go first."""

AGAIN: Final = 1.0
"""Seconds before a log that did not take slates is asked again."""

TOKEN_ID: Final = 64
"""The characters of a request's id that a token keeps."""

RESPONSES = frozenset(
    event_pb2.EventType.Value(f"EVENT_TYPE_{name}")
    for name in ("PRODUCT_CLICKED", "PRODUCT_VIEWED", "PRODUCT_ADDED", "ORDER_COMPLETED")
)
"""The types of events that respond to what was shown."""

_logger = logs.get(__name__)


class SlateLog:
    """Appends slates behind the answers' backs, in batches: an answer never waits for the log.

    A slate that is lost takes its impressions with it, whatever was drawn: fewer outcomes, no bias.
    """

    optional = True

    def __init__(self, log: Log, name: str = "slates") -> None:
        self.name = name
        self._log = log
        self._waiting: dict[str, Entry] = {}
        self._come = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._well = True

    def keep(self, drawn: Drawn) -> None:
        """Has a slate appended, once for a request: a hedge that drew the same is the same slate."""
        entry = entry_of(drawn)
        self._waiting.setdefault(entry.key, entry)
        while len(self._waiting) > WAITING:
            self._waiting.pop(next(iter(self._waiting)))
            _logger.warning("slates.lost")
        self._come.set()

    async def start(self) -> None:
        """Begins to append."""
        self._task = asyncio.create_task(self._run())

    async def ping(self) -> None:
        """Raises while the log does not take them."""
        if not self._well:
            raise RuntimeError(f"{self.name}: the log takes no slates")

    async def close(self) -> None:
        """Appends what waits, if the log is there, and stops."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            if self._well:
                await self._append()

    async def _run(self) -> None:
        while True:
            await self._come.wait()
            self._come.clear()
            await self._append()
            if not self._well:
                await asyncio.sleep(AGAIN)
                self._come.set()

    async def _append(self) -> None:
        entries = list(self._waiting.values())
        if not entries:
            return
        results = await self._log.append(entries)
        for entry, result in zip(entries, results, strict=True):
            if not isinstance(result, ServiceError) or result.reason == "TOO_LARGE":
                self._waiting.pop(entry.key, None)
        self._well = not any(entry.key in self._waiting for entry in entries)


def entry_of(drawn: Drawn) -> Entry:
    """A slate as the log keeps it."""
    request_id = drawn.request_id[:TOKEN_ID]
    message = slate_pb2.Slate(request_id=request_id, shopper=drawn.shopper, policy=drawn.policy)
    message.draw_time.FromNanoseconds(int(drawn.time * 1e9))
    for slot in drawn.slots:
        one = message.slots.add(position=slot.position, chosen=slot.chosen)
        for product, chance, about in zip(slot.products, slot.chances, slot.features, strict=True):
            one.candidates.add(product_id=product, propensity=float(chance), features=about.tolist())
    return Entry(SLATES, request_id, message.SerializeToString())


def drawn_of(record: Record) -> Drawn:
    """What entry_of kept. Raises DecodeError."""
    message = slate_pb2.Slate.FromString(record.payload)
    time = message.draw_time.ToNanoseconds() / 1e9
    slots = [_slot(slot) for slot in message.slots]
    return Drawn(message.request_id, message.shopper, time, message.policy, slots)


def _slot(message: slate_pb2.Slot) -> Slot:
    """A slot as it was drawn; features of another number than FEATURES make it one that is not sound."""
    rows = [list(one.features) for one in message.candidates]
    even = all(len(row) == len(FEATURES) for row in rows)
    about = np.array(rows, np.float64) if even else np.zeros((0, 0))
    chances = np.array([one.propensity for one in message.candidates], np.float64)
    products = [one.product_id for one in message.candidates]
    return Slot(message.position, products, about, chances, message.chosen)


async def read_slates(log: Log, progress: Progress) -> list[Drawn]:
    """All that was ever drawn and is still kept."""
    return [drawn_of(record) async for record in read_stream(log, SLATES, progress)]


async def read_responses(log: Log, progress: Progress) -> tuple[list[Shown], list[Done]]:
    """What events with a token say: products shown, and products that shoppers responded to."""
    shown: list[Shown] = []
    done: list[Done] = []
    async for record in read_stream(log, EVENTS, progress):
        try:
            event = event_pb2.Event.FromString(record.payload)
        except DecodeError:
            continue  # the view tells and counts what cannot be read
        request_id = request_of(event.attribution_token) if event.attribution_token else ""
        if not request_id:
            continue
        time = done_at(event, record)
        if event.type == event_pb2.EVENT_TYPE_PRODUCT_LIST_VIEWED:
            shown += (Shown(request_id, d.product_id, d.position, time) for d in event.product_details)
        elif event.type in RESPONSES:
            done += (Done(request_id, d.product_id, time) for d in event.product_details)
    return shown, done
