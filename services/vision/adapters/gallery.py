"""The port Gallery: the catalogue's pictures as vectors, joined at each search with the view's products."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from services.vision.adapters.generations import Looked
from services.vision.adapters.view import CatalogView
from services.vision.domain.ports import Vectors
from services.vision.domain.product import Filter
from services.vision.domain.seen import Seen
from services.vision.domain.similar import Similar, similar

LOADED_AT_ONCE = 1000
"""Vectors read from the disk in one go; 5 MB of them at 1,280 dimensions."""


class CatalogShelf:
    """The port Shelf: one model's vectors, in memory."""

    def __init__(self, view: CatalogView, model: str, vectors: Vectors) -> None:
        """`vectors` is empty as yet."""
        self.model, self.vectors = model, vectors
        self._view = view

    def __len__(self) -> int:
        """How many pictures can be found."""
        return len(self.vectors)

    def search(self, seen: Seen, wanted: Filter, count: int, *, fold: bool = True) -> Sequence[Similar]:
        """See Shelf."""
        if seen.model != self.model:
            return []  # embeddings of two models do not compare
        return similar(
            lambda n: self.vectors.search(seen.embedding, n),
            self._view.products,
            self._view.generations.thumbnails if fold else None,
            wanted,
            count,
        )

    def catch_up(self) -> None:
        """Holds what the view's vectors of the model are now.

        All that is kept is added as it comes, so that equal counts say that nothing went.
        """
        generations = self._view.generations
        if generations.counts(self.model)[0] == len(self.vectors):
            return
        there, here = generations.seen_keys(self.model), self.vectors.keys()
        self.vectors.update((), here - there)
        missing = sorted(there - here)
        for start in range(0, len(missing), LOADED_AT_ONCE):
            some = missing[start : start + LOADED_AT_ONCE]
            self.vectors.update(generations.vectors(self.model, some), ())


class CatalogGallery:
    """What answers is in memory; a model that comes has its vectors on the disk until all are made."""

    def __init__(self, view: CatalogView, vectors: Callable[[], Vectors]) -> None:
        """`vectors` makes an empty index."""
        self.name = "gallery"
        self._view = view
        self._make = vectors
        self._shelf = CatalogShelf(view, "", vectors())

    async def start(self) -> None:
        """Holds what answered before, so that the first answer is a whole one; the indexer goes on."""
        if model := self._view.generations.now().answers:
            await asyncio.to_thread(self.answer, model)

    async def ping(self) -> None:
        """Always well."""

    async def close(self) -> None:
        """Closes the view's file, which it reads."""
        self._view.database.close()

    @property
    def answering(self) -> CatalogShelf:
        """See Gallery."""
        return self._shelf

    def add(self, model: str, seen: Mapping[str, Looked]) -> None:
        """Keeps what a model saw, for this process and the next. One thread at a time."""
        self._view.generations.keep(model, seen)
        if model == self._shelf.model:
            self._shelf.vectors.update([(key, one.vector) for key, one in seen.items()], ())

    def answer(self, model: str) -> None:
        """Answers by a model's vectors, as they are kept now. One thread at a time.

        Another's answer until all of these are in memory; where there are none, these do as they come.
        """
        same = self._shelf.model == model
        shelf = self._shelf if same else CatalogShelf(self._view, model, self._make())
        if not len(self._shelf):
            self._shelf = shelf
        shelf.catch_up()
        self._shelf = shelf
