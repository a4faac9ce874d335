"""The log as the write path sees it."""

from collections.abc import Sequence

from services.gateway.domain.errors import Refused
from services.gateway.domain.ports import Appended, Stream
from services.kit.errors import ServiceError
from services.kit.log import Entry, Log


class LogJournal:
    """The Journal over the kit's log."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def append(
        self, stream: Stream, entries: Sequence[tuple[str, bytes]]
    ) -> Sequence[Appended | Refused]:
        """See Journal.append."""
        results = await self._log.append([Entry(stream.value, key, payload) for key, payload in entries])
        return [
            Refused(result.reason, str(result), field=result.field)
            if isinstance(result, ServiceError)
            else Appended(result.duplicate)
            for result in results
        ]
