"""The port Gallery: the catalogue's pictures as vectors, joined at each search with the view's products."""

from collections.abc import Callable, Mapping, Sequence

from services.vision.adapters.view import CatalogView, Looked
from services.vision.domain.ports import Vectors
from services.vision.domain.product import Filter
from services.vision.domain.seen import Seen
from services.vision.domain.similar import Similar, similar

LOADED_AT_ONCE = 1000
"""Vectors read from the disk in one go; 5 MB of them at 1,280 dimensions."""


class CatalogGallery:
    """Holds the vectors of one model at a time; with a new model it fills anew, picture by picture."""

    def __init__(self, view: CatalogView, vectors: Callable[[], Vectors]) -> None:
        """`vectors` makes an empty index."""
        self.name = "gallery"
        self._view = view
        self._make = vectors
        self._model = ""
        self._vectors = vectors()

    async def start(self) -> None:
        """Nothing to do: the indexer fills it."""

    async def ping(self) -> None:
        """Always well."""

    async def close(self) -> None:
        """Closes the view's file, which it reads."""
        self._view.database.close()

    def __len__(self) -> int:
        """How many pictures can be found."""
        return len(self._vectors)

    def search(self, seen: Seen, wanted: Filter, count: int, *, fold: bool = True) -> Sequence[Similar]:
        """See Gallery."""
        model, vectors = self._model, self._vectors
        if seen.model != model:
            return []  # embeddings of two models do not compare
        return similar(
            lambda n: vectors.search(seen.embedding, n),
            self._view.products,
            self._view.thumbnails if fold else None,
            wanted,
            count,
        )

    def add(self, model: str, seen: Mapping[str, Looked]) -> None:
        """Keeps what the model saw, for this process and the next. One thread at a time."""
        self._view.keep(model, seen)
        if model == self._model:
            self._vectors.update([(key, one.vector) for key, one in seen.items()], ())

    def catch_up(self, model: str) -> None:
        """Holds what the view's vectors of the model are now. One thread at a time.

        All that is kept is added as it comes, so that equal counts say that nothing went.
        """
        if model != self._model:
            self._model, self._vectors = model, self._make()
        if self._view.counts(model)[0] == len(self._vectors):
            return
        there, here = self._view.seen_keys(model), self._vectors.keys()
        self._vectors.update((), here - there)
        missing = sorted(there - here)
        for start in range(0, len(missing), LOADED_AT_ONCE):
            some = missing[start : start + LOADED_AT_ONCE]
            self._vectors.update(self._view.vectors(model, some), ())
