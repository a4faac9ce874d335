"""Has models see the catalogue's pictures that they have not seen yet, beside the calls, for ever.

The newest model's vectors are made beside those that answer, and take their place once they are whole.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from services.kit import logs, names, telemetry
from services.kit.errors import ServiceError
from services.kit.workers import Workers
from services.vision.adapters.gallery import CatalogGallery
from services.vision.adapters.generations import Looked, Now, Source
from services.vision.adapters.postponed import Postponed
from services.vision.adapters.sources import RefusedSource, Sources, UnreachableSource
from services.vision.adapters.view import CatalogView
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

SWEPT_AT_ONCE: Final = 1000
"""Vectors of a model before that are dropped in one go, so that the log does not wait for it."""

FIRST_RETRY: Final = 30.0
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
        self._view, self._generations, self._gallery = view, view.generations, gallery
        self._inference, self._workers, self._sources = inference, workers, sources
        self._parallel, self._reading = asyncio.Semaphore(parallel), asyncio.Semaphore(READ_AT_ONCE)
        self._postponed = Postponed(retry)
        self._begun = ""
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
        models, revision = self._inference.models, self._view.revision
        if not models or self._is_done(models, revision):
            return
        if models[-1] != self._begun:
            self._postponed.clear()
            await asyncio.to_thread(self._generations.begin, models[-1])
            self._begun = models[-1]
        now = await asyncio.to_thread(self._generations.now)
        if now.answers not in models:  # nobody can see what is asked as it did: better a part than nothing
            await self._answer(models[-1])
            now = Now(models[-1], "")
        await asyncio.to_thread(self._gallery.answer, now.answers)
        self._inference.keep(now.answers)
        if not await self._see_what_is_left(now, models[-1]):
            return  # the next look begins with a newer model
        if now.comes and await self._is_whole():
            await self._answer(now.comes)
        while await asyncio.to_thread(self._generations.sweep, SWEPT_AT_ONCE):
            pass
        self._done = (models[-1], revision)

    def _is_done(self, models: Sequence[str], revision: int) -> bool:
        answered = self._gallery.answering.model in models
        return answered and self._done == (models[-1], revision) and not self._postponed.due()

    async def _see_what_is_left(self, now: Now, newest: str) -> bool:
        """Has both generations see what they have not, what answers first; False once a newer model is there.

        Pictures that come meanwhile are found by what answers without waiting for what comes.
        """
        after, count, revision = {model: "" for model in now if model}, 0, self._view.revision
        while True:
            if revision != self._view.revision:
                after[now.answers], revision = "", self._view.revision
            for model, key in after.items():
                if batch := await asyncio.to_thread(self._generations.unseen, model, key, BATCH):
                    break
            else:
                await self._tell(newest, last=count)
                return True
            after[model] = batch[-1].key
            count += await self._see_all([one for one in batch if self._postponed.may(one.key)], model)
            await self._tell(model)
            if self._inference.models[-1:] != [newest]:
                return False

    async def _is_whole(self) -> bool:
        """Whether the generation that comes has seen all that the one that answers has, as far as it can."""
        lacking = await asyncio.to_thread(self._generations.lacking)
        return all(map(self._postponed.given_up, lacking))

    async def _answer(self, model: str) -> None:
        """Has another generation answer."""
        await asyncio.to_thread(self._generations.answer, model)
        await asyncio.to_thread(self._gallery.answer, model)
        self._inference.keep(model)
        _logger.info("indexer.swapped", model=model, pictures=len(self._gallery.answering))

    async def _see_all(self, batch: list[Source], model: str) -> int:
        """Keeps what was seen, whatever became of the others; then raises what ended them, if anything."""
        results = await asyncio.gather(*(self._see(one, model) for one in batch), return_exceptions=True)
        seen = [(one.key, r) for one, r in zip(batch, results, strict=True) if isinstance(r, tuple)]
        for eye in {eye for _, (eye, _) in seen}:
            mine = {key: looked for key, (by, looked) in seen if by == eye}
            await asyncio.to_thread(self._gallery.add, eye, mine)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(seen)

    async def _see(self, source: Source, model: str) -> tuple[str, Looked] | None:
        """The model that saw it and what it saw; None for one that cannot be read."""
        try:
            async with self._reading:
                data = await self._sources.read(source)
            async with self._parallel:
                prepared, small = await self._workers.run(_prepared, data)
                seen = await self._inference.see(prepared, model)
        except UnreachableSource as error:
            seconds = self._postponed.put(source.key)
            told = {"picture": source.key[:200], "why": str(error), "again_seconds": seconds}
            _logger.warning("indexer.picture_unreachable", **told)
        except (ImageError, RefusedSource, OSError) as error:
            _logger.warning("indexer.picture_refused", picture=source.key[:200], why=str(error))
            await asyncio.to_thread(self._generations.refuse, source.key)
        else:
            self._postponed.take(source.key)
            return seen.model, Looked(seen.embedding, small)
        return None

    async def _tell(self, model: str, last: int = 0) -> None:
        """How far a generation is: now and then, and at the end of what there was to do."""
        if not last and time.monotonic() - self._told < PROGRESS_SECONDS:
            return
        self._told = time.monotonic()
        seen, left = await asyncio.to_thread(self._generations.counts, model)
        _logger.info("indexer.caught_up" if last else "indexer.progress", model=model, seen=seen, left=left)
        telemetry.measure(names.DERIVED_MISSING, left, "vision")


def _prepared(data: bytes) -> tuple[bytes, bytes]:
    """A picture as it goes to the model, and its thumbnail. Raises an ImageError."""
    prepared = prepare(data)
    return prepared, thumbnail(prepared).tobytes()
