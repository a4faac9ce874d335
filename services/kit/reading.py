"""Reads all that a stream of the log holds by now, and what an event's attribution token names."""

import base64
import binascii
from collections.abc import AsyncIterator

from aisle.events.v1 import event_pb2

from services.kit.log import Log, Record
from services.kit.progress import Progress


def done_at(event: event_pb2.Event, record: Record) -> float:
    """When an event was done, in seconds: no later than the log took it, whatever its sender's clock says."""
    return float(min(event.event_time.ToNanoseconds() / 1e9, record.time.timestamp()))


def request_of(token: str) -> str:
    """The request that an attribution token (the gateway makes them) names, "" for none."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode(errors="ignore")
    except (ValueError, binascii.Error):
        return ""
    version, _, rest = raw.partition("|")
    return rest.partition("|")[0] if version == "1" else ""


async def read_stream(log: Log, stream: str, progress: Progress) -> AsyncIterator[Record]:
    """A stream's records up to its end as it is now."""
    end, at = await log.end(stream), 0
    while at < end:
        async for records in log.read(stream, at):
            for record in records:
                yield record
            at = records[-1].sequence
            progress(f"reading {stream.lower()}", min(at, end), end)
            if at >= end:
                break
