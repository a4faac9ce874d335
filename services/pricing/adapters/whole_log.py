"""All of the log, for offline work: the catalogue's last words, then the events."""

from collections.abc import AsyncIterator

from services.kit.log import CATALOG, EVENTS, Log, Record
from services.kit.progress import Progress


async def records(log: Log, progress: Progress) -> AsyncIterator[Record]:
    """Every record up to the ends that the streams have when they are begun; tells how far it is."""
    for stream in (CATALOG, EVENTS):
        end, reached = await log.end(stream), 0
        if not end:
            continue
        async for found in log.read(stream, 0):
            for record in found:
                yield record
            reached = found[-1].sequence
            progress(f"reading {stream.lower()}", min(reached, end), end)
            if reached >= end:
                break
