"""Sends the rows of a file to the gateway in batches, several on the way, and remembers how far it came."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import grpc
from aisle.catalog.v1 import error_reason_pb2
from aisle.events.v1 import event_pb2
from aisle.gateway.v1 import catalog_service_pb2, event_service_pb2
from aisle.gateway.v1.catalog_service_pb2_grpc import CatalogServiceStub
from aisle.gateway.v1.event_service_pb2_grpc import EventServiceStub
from google.protobuf.message import Message

from services.cli import formats, messages
from services.cli.checkpoint import Checkpoint, Rejects
from services.cli.formats import BadRowError
from services.cli.messages import Item
from services.kit.errors import reason_of

BATCH_ITEMS = 500
BATCH_BYTES = 4 * 1024 * 1024
CALL_SECONDS = 30.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 5.0
_AGAIN = frozenset({"LOG_UNAVAILABLE", "OVERLOADED", "DEADLINE_EXCEEDED"})
_AGAIN_CODES = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
T = TypeVar("T")
_TOLD_LOG_FULL = "the log has no room left (LOG_FULL): free some disk space, then run the import again"


class ImportStoppedError(Exception):
    """The import cannot go on now; what was acknowledged stays, and the next run continues."""


@dataclass(frozen=True)
class Outcome:
    """What became of one batch: how many were written or known already, and the refused by place."""

    written: int = 0
    duplicates: int = 0
    refused: dict[int, BadRowError] = field(default_factory=dict)


class Target(Protocol):
    """Where messages of one kind go."""

    async def send(self, batch: Sequence[Message]) -> Outcome:
        """Raises grpc.RpcError."""

    async def has(self, probe: bytes) -> bool:
        """Whether the log still has a message that was acknowledged in an earlier run."""


class Products:
    """The gateway's CatalogService."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = CatalogServiceStub(channel)

    async def send(self, batch: Sequence[Message]) -> Outcome:
        """Upserts; written again is written once."""
        request = catalog_service_pb2.UpsertProductsRequest(products=batch)  # type: ignore[arg-type]
        answer = await self._stub.UpsertProducts(request, timeout=CALL_SECONDS)
        return Outcome(written=answer.written_count, refused=_refused(answer.errors))

    async def has(self, probe: bytes) -> bool:
        """Asks for the product by id."""
        request = catalog_service_pb2.GetProductsRequest(product_ids=[probe.decode()])
        return bool((await self._stub.GetProducts(request, timeout=CALL_SECONDS)).products)


class Events:
    """The gateway's EventService."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = EventServiceStub(channel)

    async def send(self, batch: Sequence[Message]) -> Outcome:
        """Appends; an event whose message_id the log has is dropped and counted."""
        request = event_service_pb2.WriteEventsRequest(events=batch)  # type: ignore[arg-type]
        answer = await self._stub.WriteEvents(request, timeout=CALL_SECONDS)
        return Outcome(answer.written_count, answer.duplicate_count, _refused(answer.errors))

    async def has(self, probe: bytes) -> bool:
        """Writes the event again: the log knows it, unless it is another log."""
        return (await self.send([event_pb2.Event.FromString(probe)])).duplicates == 1


def _refused(errors: Sequence[catalog_service_pb2.ItemError]) -> dict[int, BadRowError]:
    return {
        error.index: BadRowError(
            error_reason_pb2.ErrorReason.Name(error.reason).removeprefix("ERROR_REASON_"),
            error.message,
            error.field,
        )
        for error in errors
    }


async def run(
    path: Path,
    kind: str,
    target: Target,
    checkpoint: Checkpoint,
    *,
    in_flight: int = 4,
    retry_seconds: float = 60.0,
    report: formats.Report = lambda _: None,
    waiting: Callable[[str], None] = lambda _: None,
) -> Checkpoint:
    """Imports what the checkpoint has not yet. Raises ImportStoppedError, ValueError, OSError."""
    if checkpoint.line and not await _retried(lambda: target.has(checkpoint.probe), retry_seconds, waiting):
        checkpoint.restart()  # the log that was written to is gone
    with Rejects(path, keep=checkpoint.rejects_bytes) as rejects:
        read = messages.products if kind == "products" else messages.events
        batches = _batches(read(formats.rows(path, after=checkpoint.line, report=report)))

        async def settled(batch: list[Item], outcome: Outcome) -> None:
            await asyncio.to_thread(_settle, batch, outcome, checkpoint, rejects)

        flying: deque[tuple[list[Item], asyncio.Task[Outcome]]] = deque()
        try:
            async for batch in _in_thread(batches):
                flying.append((batch, asyncio.create_task(_send(target, batch, retry_seconds, waiting))))
                while len(flying) >= in_flight:
                    oldest, task = flying.popleft()
                    await settled(oldest, await task)
            while flying:
                oldest, task = flying.popleft()
                await settled(oldest, await task)
        finally:
            for _, task in flying:
                task.cancel()
            await asyncio.gather(*(task for _, task in flying), return_exceptions=True)
    checkpoint.finish()
    return checkpoint


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    size = 0
    for item in items:
        weight = item.message.ByteSize() if item.message is not None else 0
        if batch and (len(batch) >= BATCH_ITEMS or size + weight > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += weight
    if batch:
        yield batch


async def _in_thread(batches: Iterator[list[Item]]) -> AsyncIterator[list[Item]]:
    """Reads and parses beside the event loop."""
    while (batch := await asyncio.to_thread(next, batches, None)) is not None:
        yield batch


async def _send(
    target: Target, batch: list[Item], retry_seconds: float, waiting: Callable[[str], None]
) -> Outcome:
    """Sends until each message is acknowledged or refused for good."""
    left = {place: item.message for place, item in enumerate(batch) if item.message is not None}
    written = duplicates = 0
    refused: dict[int, BadRowError] = {}

    async def once() -> None:
        nonlocal left, written, duplicates
        places = list(left)
        outcome = await target.send([left[place] for place in places])
        written, duplicates = written + outcome.written, duplicates + outcome.duplicates
        again = {}
        for index, error in outcome.refused.items():
            if error.reason == "LOG_FULL":
                raise ImportStoppedError(_TOLD_LOG_FULL)
            if error.reason in _AGAIN:
                again[places[index]] = left[places[index]]
            else:
                refused[places[index]] = error
        left = again
        if left:
            raise _NotYetError("the log does not answer (LOG_UNAVAILABLE)")

    if left:
        await _retried(once, retry_seconds, waiting)
    return Outcome(written, duplicates, refused)


class _NotYetError(Exception):
    """Worth another try."""


async def _retried(attempt: Callable[[], Awaitable[T]], seconds: float, waiting: Callable[[str], None]) -> T:
    """What the attempt returns; tries again, waiting longer and longer, while that may help."""
    loop = asyncio.get_running_loop()
    ends, wait = loop.time() + seconds, FIRST_WAIT_SECONDS
    while True:
        try:
            return await attempt()
        except (grpc.RpcError, _NotYetError) as error:
            why = _why(error)
            if loop.time() + wait > ends:
                raise ImportStoppedError(
                    f"{why}: `aisle up` starts everything, `aisle doctor` looks"
                ) from error
        waiting(f"{why}; trying again")
        await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT_SECONDS)


def _why(error: grpc.RpcError | _NotYetError) -> str:
    """For a person. Raises ImportStoppedError when another try cannot help."""
    if isinstance(error, _NotYetError):
        return str(error)
    code, reason = error.code(), reason_of(error)
    if reason == "LOG_FULL":
        raise ImportStoppedError(_TOLD_LOG_FULL) from error
    if reason not in _AGAIN and code not in _AGAIN_CODES:
        raise ImportStoppedError(f"the gateway refused a batch: {reason or code.name}") from error
    return f"the gateway does not answer ({reason or code.name})"


def _settle(batch: list[Item], outcome: Outcome, checkpoint: Checkpoint, rejects: Rejects) -> None:
    """Writes down the refused, then how far the import came."""
    reasons: Counter[str] = Counter()
    for place, item in enumerate(batch):
        error = item.error or outcome.refused.get(place)
        if error is not None:
            rejects.write(item.line, error)
            reasons[error.reason] += 1
    size = rejects.flush()
    accepted = [i.message for p, i in enumerate(batch) if i.message is not None and p not in outcome.refused]
    probe = _probe(accepted[-1]) if accepted else checkpoint.probe
    checkpoint.advance(batch[-1].last, outcome.written, outcome.duplicates, reasons, size, probe)


def _probe(message: Message) -> bytes:
    """What Target.has takes."""
    if isinstance(message, event_pb2.Event):
        return message.SerializeToString()
    return str(message.id).encode()  # type: ignore[attr-defined]
