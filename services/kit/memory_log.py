"""A log in memory, for tests: it passes the same contract suite as the real one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from services.kit.errors import ServiceError
from services.kit.log import BATCH, LAST_KEPT, Ack, Entry, Record


class MemoryLog:
    """Keeps records in lists; lost when the process ends."""

    def __init__(self, name: str = "log") -> None:
        self.name = name
        self._records: dict[str, dict[str, Record]] = {}
        self._ends: dict[str, int] = {}
        self._grown = asyncio.Condition()

    async def start(self) -> None:
        """Nothing to connect to."""

    async def ping(self) -> None:
        """Always well."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def append(self, entries: Sequence[Entry]) -> list[Ack | ServiceError]:
        """See Log.append; never fails."""
        async with self._grown:
            acks: list[Ack | ServiceError] = [self._append(entry) for entry in entries]
            self._grown.notify_all()
        return acks

    def _append(self, entry: Entry) -> Ack:
        records = self._records.setdefault(entry.stream, {})
        if entry.key in records:
            if entry.stream not in LAST_KEPT:
                return Ack(sequence=0, duplicate=True)
            del records[entry.key]
        sequence = self._ends.get(entry.stream, 0) + 1
        self._ends[entry.stream] = sequence
        records[entry.key] = Record(entry.stream, sequence, entry.key, entry.payload, datetime.now(UTC))
        return Ack(sequence)

    async def read(self, stream: str, after: int) -> AsyncIterator[list[Record]]:
        """See Log.read."""
        while True:
            async with self._grown:
                while self._ends.get(stream, 0) <= after:
                    await self._grown.wait()
                new = [record for record in self._records[stream].values() if record.sequence > after]
            for start in range(0, len(new), BATCH):
                yield new[start : start + BATCH]
            after = max([after, *(record.sequence for record in new)])

    async def end(self, stream: str) -> int:
        """See Log.end."""
        return self._ends.get(stream, 0)
