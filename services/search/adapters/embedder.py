"""Gives every product's text a vector, beside the log: words answer at once, meaning follows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Final

from services.kit import logs, names, telemetry
from services.kit.errors import passing
from services.kit.log import CATALOG
from services.kit.models import Model
from services.kit.views import Database
from services.kit.workers import Workers
from services.search.adapters.vector_table import VectorTable
from services.search.domain.dense import Meaning
from services.search.domain.ports import Encoder, EncoderAway, Vectors

CHUNK: Final = 128
"""Texts that are embedded and written at a time; shortest first, so that a chunk's texts are alike."""

LOOK_SECONDS: Final = 0.2
PROGRESS_EVERY: Final = 4_096
_FRESH: Final = -1

_logger = logs.get(__name__)


class Embedder:
    """Keeps a Meaning complete, and swaps to a new model's when that one is complete.

    A resource that search can do without: `optional`.
    """

    name = "embedder"
    optional = True

    def __init__(
        self,
        database: Database,
        encoder: Callable[[Model], Encoder],
        vectors: Callable[[str], Vectors],
        *,
        earlier: Callable[[str], Model | None] = lambda _: None,
        swapped: Callable[[str], None] = lambda _: None,
        threads: int = 1,
    ) -> None:
        """`earlier` finds a model by its tag; `swapped` is told the tag whose vectors alone are needed on."""
        self._database = database
        self._table = VectorTable(database)
        self._encoder = encoder
        self._vectors = vectors
        self._earlier = earlier
        self._swapped = swapped
        self._threads = threads
        self._workers = Workers("embed", threads=threads, queue=threads)
        self._serving: Meaning | None = None
        self._next: Meaning | None = None
        self._task: asyncio.Task[None] | None = None
        self._seen = _FRESH

    @property
    def meaning(self) -> Meaning | None:
        """What serves; None before the first model."""
        return self._serving

    @property
    def complete(self) -> bool:
        """Whether the newest model serves, and had every text at the last look."""
        return self._serving is not None and self._next is None

    def load(self, model: Model) -> None:
        """Makes a model the next to serve. Raises when it cannot be used; called in a thread."""
        if self._serving and self._serving.encoder.tag == model.version:
            self._next = self._next if self._next is self._serving else None  # back before another served
            return
        meaning = self._made(model)
        # The first model serves at once with the vectors there are; a later one waits until it has all.
        self._serving = self._serving or self._left(model) or meaning
        self._next = meaning

    async def start(self) -> None:
        """Begins to embed."""
        self._task = asyncio.create_task(self._run())

    async def ping(self) -> None:
        """Raises when embedding has stopped."""
        if self._task is not None and self._task.done():
            raise RuntimeError("the embedder stopped")

    async def close(self) -> None:
        """Stops after the chunk in hand."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._workers.close()

    def _made(self, model: Model) -> Meaning:
        encoder = self._encoder(model)
        meaning = Meaning(encoder, self._vectors(encoder.tag))
        self._table.fill(encoder.tag, meaning.vectors)
        return meaning

    def _left(self, model: Model) -> Meaning | None:
        """What served when an earlier process ended before this model had every text; None when it had."""
        others = [tag for tag in self._table.models() if tag != model.version]
        lacking = {tag: len(self._table.missing(tag)) for tag in (*others, model.version)} if others else {}
        for tag in sorted(others, key=lambda tag: lacking[tag]):
            if lacking[tag] < lacking[model.version] and (earlier := self._earlier(tag)):
                try:
                    return self._made(earlier)
                except Exception as error:
                    # Whatever is wrong with a model of the past, the present one is to serve.
                    _logger.error("embedder.earlier_failed", model=tag, **logs.bug(error))
        return None

    async def _run(self) -> None:
        while True:
            try:
                await self._keep_up()
                if self._next is not None:
                    await self.tend(self._next)
            except Exception as error:
                # A full disk or a busy file: search goes on without these, and the next look tries again.
                if not (isinstance(error, EncoderAway) or passing(error)):  # their resources tell of those
                    _logger.error("embedder.failed", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(LOOK_SECONDS)

    async def _keep_up(self) -> None:
        """Has the model that serves follow the log, also while the next one's vectors are made."""
        serving = self._serving
        if serving is None or serving is self._next:
            return
        position = await asyncio.to_thread(self._database.position, CATALOG)
        if position != self._seen:
            await self.follow(serving)
            self._seen = position

    async def tend(self, meaning: Meaning) -> None:
        """Embeds what has no vector, forgets what no product needs, and has the model serve.

        It looks at every text; afterwards `follow` looks at those alone that the log changed.
        """
        left = CHUNK + 1
        while left > CHUNK:  # what came meanwhile is embedded too, but for what always comes
            missing = await asyncio.to_thread(self._table.missing, meaning.encoder.tag)
            async for _ in self._embed(meaning, missing):
                await self._keep_up()
                if meaning not in (self._serving, self._next):
                    return  # yet another model came
            left = len(missing)
        await self._settle(meaning)

    async def follow(self, meaning: Meaning) -> None:
        """Embeds the texts that came, and forgets those that went."""
        changes = await asyncio.to_thread(self._table.changes, meaning.encoder.tag)
        came = [(change.key, change.text) for change in changes if change.text and not change.embedded]
        async for _ in self._embed(meaning, came):
            pass
        await self._forget(meaning, [change.key for change in changes if change.text is None])
        await asyncio.to_thread(self._table.settled, changes)

    async def _embed(self, meaning: Meaning, missing: list[tuple[int, str]]) -> AsyncIterator[None]:
        """Embeds texts, some at a time, and stops after each of these steps."""
        telemetry.measure(names.DERIVED_MISSING, len(missing), "search")
        chunks = [missing[start : start + CHUNK] for start in range(0, len(missing), CHUNK)]
        done = 0
        for first in range(0, len(chunks), self._threads):
            together = chunks[first : first + self._threads]
            await asyncio.gather(*(self._workers.run(self._chunk, meaning, chunk) for chunk in together))
            before, done = done, done + sum(map(len, together))
            telemetry.measure(names.DERIVED_MISSING, len(missing) - done, "search")
            if done // PROGRESS_EVERY > before // PROGRESS_EVERY or (done == len(missing) > CHUNK):
                _logger.info("embedder.progress", done=done, total=len(missing))
            yield

    def _chunk(self, meaning: Meaning, chunk: list[tuple[int, str]]) -> None:
        keys = [key for key, _ in chunk]
        vectors = meaning.encoder.encode([text for _, text in chunk])
        self._table.keep(meaning.encoder.tag, keys, vectors)
        meaning.vectors.add(keys, vectors)

    async def _settle(self, meaning: Meaning) -> None:
        """All texts have vectors: this model serves, and what no product needs any more goes."""
        if self._next is meaning:
            self._serving, self._next, self._seen = meaning, None, _FRESH
            await asyncio.to_thread(self._table.drop_other_models, meaning.encoder.tag)
            await asyncio.to_thread(self._swapped, meaning.encoder.tag)
            _logger.info("embedder.serving", model=meaning.encoder.tag, texts=len(meaning.vectors.keys()))
        unused = await asyncio.to_thread(lambda: meaning.vectors.keys() - self._table.used())
        await self._forget(meaning, list(unused))

    async def _forget(self, meaning: Meaning, unused: list[int]) -> None:
        if unused:
            await asyncio.to_thread(self._table.drop, meaning.encoder.tag, unused)
            await asyncio.to_thread(meaning.vectors.remove, unused)
