"""Has the model see the catalogue's pictures that it has not seen yet, beside the calls, for ever."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

from services.kit import logs
from services.kit.errors import ServiceError
from services.kit.workers import Workers
from services.vision.adapters import sources
from services.vision.adapters.gallery import CatalogGallery
from services.vision.adapters.view import CatalogView, Source
from services.vision.domain.image import ImageError, prepare
from services.vision.domain.ports import Inference

BATCH: Final = 32
"""Pictures between two updates of the index."""

LOOK_SECONDS: Final = 0.2
"""Seconds between two looks for new pictures or a new model."""

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
        *,
        folder: Path | None = None,
        parallel: int = 2,
    ) -> None:
        """`folder` is where file: pictures may lie; `parallel` pictures are with the model at once."""
        self.name = "indexer"
        self._view, self._gallery, self._inference, self._workers = view, gallery, inference, workers
        self._folder = folder
        self._parallel = asyncio.Semaphore(parallel)
        self._refused: set[str] = set()  # not tried again before the process or the model changes
        self._done: tuple[str, int] = ("", -1)
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
        if not model or self._done == (model, revision):
            return
        if model != self._done[0]:
            self._refused.clear()
        await asyncio.to_thread(self._gallery.catch_up, model)
        count = 0
        while unseen := await asyncio.to_thread(self._view.unseen, model, self._refused, BATCH):
            results = await asyncio.gather(*map(self._see, unseen), return_exceptions=True)
            await asyncio.to_thread(self._gallery.catch_up, model)
            for result in results:
                if isinstance(result, BaseException):
                    raise result
            count += len(unseen)
            if self._inference.model != model:
                return  # the next look begins with the new one
        await asyncio.to_thread(self._view.forget_other_models, model)
        self._done = (model, revision)
        if count:
            _logger.info("indexer.caught_up", model=model, seen=count, pictures=len(self._gallery))

    async def _see(self, source: Source) -> None:
        async with self._parallel:
            try:
                data = await asyncio.to_thread(sources.read, source, self._folder)
                seen = await self._inference.see(await self._workers.run(prepare, data))
            except (ImageError, sources.RefusedSource, OSError) as error:
                self._refused.add(source.key)
                _logger.warning("indexer.picture_refused", picture=source.key[:200], why=str(error))
                return
            await asyncio.to_thread(self._view.keep, source.key, seen.model, seen.embedding)
