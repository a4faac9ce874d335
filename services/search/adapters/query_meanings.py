"""The vectors of the commonest queries that may be offered, kept beside the log to tell which mean alike."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import numpy as np

from services.kit import logs
from services.search.domain.dense import Meaning
from services.search.domain.ports import EncoderAway, Vector

MOST: Final = 2_000
"""Queries whose vectors are held: 3 MB, made in about two seconds of CPU after a start."""

LOOK_SECONDS: Final = 30.0
ALIKE: Final = 0.6
"""The least cosine of two queries that mean alike."""

_logger = logs.get(__name__)


class _Known(NamedTuple):
    """Queries with their vectors (n, dimension), all of the encoder that is named."""

    tag: str
    queries: tuple[str, ...]
    vectors: Vector


class QueryMeanings:
    """Tells which common queries are near to one. A resource that search can do without: `optional`."""

    name = "queries"
    optional = True

    def __init__(
        self, popular: Callable[[int], Sequence[str]], meaning: Callable[[], Meaning | None]
    ) -> None:
        """`popular` tells so many queries that may be offered, most used first."""
        self._popular = popular
        self._meaning = meaning
        self._known: _Known | None = None
        self._task: asyncio.Task[None] | None = None

    def near(self, query: str, limit: int) -> list[str]:
        """So many of the common queries that mean alike, the nearest first; none without an encoder."""
        known, meaning = self._known, self._meaning()
        if known is None or meaning is None or meaning.encoder.tag != known.tag:
            return []
        try:
            cosines = known.vectors @ meaning.of(query)
        except EncoderAway:
            return []
        nearest = np.argsort(-cosines, kind="stable")[:limit]
        return [known.queries[at] for at in nearest if cosines[at] >= ALIKE]

    def refresh(self) -> None:
        """Embeds the common queries that have no vector yet, and forgets the others."""
        meaning = self._meaning()
        if meaning is None:
            return
        queries, known = tuple(self._popular(MOST)), self._known
        held = dict(zip(known.queries, known.vectors, strict=True)) if known else {}
        if known is None or known.tag != meaning.encoder.tag:
            held = {}
        elif known.queries == queries:
            return
        rows = [held[text] if text in held else meaning.encoder.encode([text])[0] for text in queries]
        if rows:
            self._known = _Known(meaning.encoder.tag, queries, np.stack(rows))

    async def start(self) -> None:
        """Begins to follow what is common."""
        self._task = asyncio.create_task(self._run())

    async def ping(self) -> None:
        """Raises when that has stopped."""
        if self._task is not None and self._task.done():
            raise RuntimeError("the meanings of queries are not kept any more")

    async def close(self) -> None:
        """Stops."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.refresh)
            except EncoderAway:
                pass  # its resource tells, and the next look tries again
            except Exception as error:
                # A full disk or a busy file: queries are told by clicks, and the next look tries again.
                _logger.error("queries.failed", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(LOOK_SECONDS)
