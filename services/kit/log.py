"""The log: what a shop wrote, in order, kept for ever; every service builds its own view from it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.kit.errors import ServiceError

CATALOG = "CATALOG"
"""The stream that keeps the last change of each product; keys are product ids."""

EVENTS = "EVENTS"
"""The append-only stream of what shoppers did; keys are message ids, unique for ever."""

CONTROLS = "CONTROLS"
"""The stream that keeps the last of each of the merchant's decisions about searches; keys are their ids."""

LAST_KEPT = frozenset((CATALOG, CONTROLS))
"""Streams that keep the last entry of a key; the others keep the first."""

SLATES = "SLATES"
"""The append-only stream of what recsys drew; keys are request ids. Kept for SLATE_DAYS."""

SLATE_DAYS = 90

BATCH = 500
"""The most records that one batch of `Log.read` holds."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to append: a serialised ProductChange to CATALOG, Event to EVENTS, ..."""

    stream: str
    key: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Ack:
    """The log has it, at this sequence; `duplicate` when it had the key already and kept the first."""

    sequence: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """An entry as the log keeps it. Sequences rise in a stream, with gaps where CATALOG was superseded."""

    stream: str
    sequence: int
    key: str
    payload: bytes
    time: datetime


class Log(Protocol):
    """The port to the log. Its adapters pass one suite: tests/contracts/test_log.py."""

    name: str

    async def start(self) -> None:
        """Connects and makes sure that the streams exist; keeps trying until the log answers."""

    async def ping(self) -> None:
        """Raises ServiceError(LOG_UNAVAILABLE) when the log does not answer."""

    async def close(self) -> None:
        """Lets go of the connection."""

    async def append(self, entries: Sequence[Entry]) -> list[Ack | ServiceError]:
        """Appends in order and returns after the log acknowledged, one result an entry.

        An entry's error is LOG_UNAVAILABLE (not acknowledged: append it again, both streams are
        idempotent by key), LOG_FULL or TOO_LARGE.
        """
        ...

    def read(self, stream: str, after: int) -> AsyncIterator[list[Record]]:
        """Yields batches of at most BATCH records after a sequence, for ever; outlives lost connections."""
        ...

    async def end(self, stream: str) -> int:
        """The last sequence of a stream, 0 when it is empty. Raises ServiceError(LOG_UNAVAILABLE)."""
        ...
