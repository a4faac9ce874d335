"""Has the model see the catalogue's pictures that it has not seen yet, beside the calls, for ever."""

import asyncio
import math
import time
from contextlib import suppress
from typing import Final

from services.kit import logs
from services.kit.errors import ServiceError
from services.kit.workers import Workers
from services.vision.adapters.gallery import CatalogGallery
from services.vision.adapters.sources import RefusedSource, Sources, UnreachableSource
from services.vision.adapters.view import CatalogView, Looked, Source
from services.vision.domain.image import ImageError, prepare, thumbnail
from services.vision.domain.ports import Inference

BATCH: Final = 32
"""Pictures between two updates of the index: what is in memory at once, and what a kill makes do again."""

READ_AT_ONCE: Final = 8
"""Pictures that are read at once, so that a slow host does not keep the model waiting."""

LOOK_SECONDS: Final = 0.2
"""Seconds between two looks for new pictures or a new model."""

PROGRESS_SECONDS: Final = 10.0
"""Seconds between two lines of the log that tell how far it is."""

FIRST_RETRY, LAST_RETRY = 30.0, 3600.0
"""Seconds until a picture is asked for again whose host did not give it; twice as many each time."""

_logger = logs.get("vision.indexer")


class Indexer:
    """Optional: while it fails, pictures seen before are still found. Vectors are kept, never made twice."""

    optional = True

    def __init__(
        self,
        view: CatalogView,
        gallery: CatalogGallery,
        inference: Inference,
        workers: Workers,
        sources: Sources,
        *,
        parallel: int = 2,
        retry: float = FIRST_RETRY,
    ) -> None:
        """`parallel` pictures are with the model at once; `retry` seconds until a host is asked again."""
        self.name = "indexer"
        self._view, self._gallery, self._inference, self._workers = view, gallery, inference, workers
        self._sources = sources
        self._parallel, self._reading = asyncio.Semaphore(parallel), asyncio.Semaphore(READ_AT_ONCE)
        self._retry = retry
        self._again: dict[str, tuple[float, float]] = {}  # by picture: not before when, and the next wait
        self._done: tuple[str, int] = ("", -1)
        self._told = 0.0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins."""
        self._task = asyncio.create_task(self._run())

    async def ping(self) -> None:
        """Raises when it has stopped."""
        if self._task is not None and self._task.done():
            raise RuntimeError("the indexer stopped") from self._task.exception()

    async def close(self) -> None:
        """Stops; what it has not done is done after the next start."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await self._catch_up()
            except ServiceError as error:
                _logger.debug("indexer.waits", why=error.reason)
            except Exception as error:
                _logger.error("indexer.failed", **logs.bug(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def _catch_up(self) -> None:
        """Returns when all pictures of now are in the index. Raises ServiceError when the model is away."""
        model, revision = self._inference.model, self._view.revision
        if not model or (self._done == (model, revision) and not self._due()):
            return
        if model != self._done[0]:
            self._again.clear()
            await asyncio.to_thread(self._view.begin, model)
        await asyncio.to_thread(self._gallery.catch_up, model)
        after, count = "", 0
        while batch := await asyncio.to_thread(self._view.unseen, after, BATCH):
            after = batch[-1].key
            count += await self._see_all([one for one in batch if self._may(one.key)])
            if self._inference.model != model:
                return  # the next look begins with the new one
            await self._tell(model)
        await asyncio.to_thread(self._view.forget_other_models, model)
        self._done = (model, revision)
        if count:
            _logger.info("indexer.caught_up", model=model, seen=count, pictures=len(self._gallery))

    async def _see_all(self, batch: list[Source]) -> int:
        """Keeps what was seen, whatever became of the others; then raises what ended them, if anything."""
        results = await asyncio.gather(*map(self._see, batch), return_exceptions=True)
        seen = [(one.key, r) for one, r in zip(batch, results, strict=True) if isinstance(r, tuple)]
        for model in {model for _, (model, _) in seen}:
            mine = {key: looked for key, (by, looked) in seen if by == model}
            await asyncio.to_thread(self._gallery.add, model, mine)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(seen)

    async def _see(self, source: Source) -> tuple[str, Looked] | None:
        """The model that saw it and what it saw; None for one that cannot be read."""
        try:
            async with self._reading:
                data = await self._sources.read(source)
            async with self._parallel:
                prepared, small = await self._workers.run(_prepared, data)
                seen = await self._inference.see(prepared)
        except UnreachableSource as error:
            self._postpone(source.key, str(error))
        except (ImageError, RefusedSource, OSError) as error:
            _logger.warning("indexer.picture_refused", picture=source.key[:200], why=str(error))
            await asyncio.to_thread(self._view.refuse, source.key)
        else:
            self._again.pop(source.key, None)
            return seen.model, Looked(seen.embedding, small)
        return None

    def _may(self, key: str) -> bool:
        return key not in self._again or self._again[key][0] <= time.monotonic()

    def _due(self) -> bool:
        return min((when for when, _ in self._again.values()), default=math.inf) <= time.monotonic()

    def _postpone(self, key: str, why: str) -> None:
        wait = self._again.get(key, (0.0, self._retry))[1]
        self._again[key] = (time.monotonic() + wait, min(2 * wait, LAST_RETRY))
        _logger.warning("indexer.picture_unreachable", picture=key[:200], why=why, again_seconds=wait)

    async def _tell(self, model: str) -> None:
        if time.monotonic() - self._told >= PROGRESS_SECONDS:
            self._told = time.monotonic()
            seen, left = await asyncio.to_thread(self._view.counts, model)
            _logger.info("indexer.progress", model=model, seen=seen, left=left)


def _prepared(data: bytes) -> tuple[bytes, bytes]:
    """A picture as it goes to the model, and its thumbnail. Raises an ImageError."""
    prepared = prepare(data)
    return prepared, thumbnail(prepared).tobytes()
