"""What the domain needs of the outside; each port's adapters pass one suite in tests/vision/contracts."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from services.vision.domain.product import Filter
from services.vision.domain.seen import Seen, Vector
from services.vision.domain.similar import Similar

T = TypeVar("T")


class Inference(Protocol):
    """The model."""

    @property
    def models(self) -> Sequence[str]:
        """The names and versions that may be asked now, the newest last."""
        ...

    async def see(self, picture: bytes, model: str = "") -> Seen:
        """What an encoded picture shows, to this model; to the newest without, or when it may not be asked.

        Raises an ImageError, or an error with the reason INFERENCE_UNAVAILABLE or MODEL_UNAVAILABLE.
        """
        ...

    def keep(self, model: str) -> None:
        """Has a model stay, however many newer ones come, until another is kept."""
        ...


class Vectors(Protocol):
    """Embeddings of length 1 by key, found by their cosine. Safe to use from several threads."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def keys(self) -> set[str]:
        """The keys that are there."""
        ...

    def update(self, added: Iterable[tuple[str, Vector]], removed: Iterable[str]) -> None:
        """Removes, then adds; a key that is there already is replaced."""
        ...

    def search(self, embedding: Vector, count: int) -> list[tuple[str, float]]:
        """The nearest keys and their cosines, nearest first."""
        ...


class Shelf(Protocol):
    """The catalogue's pictures as one model saw them."""

    @property
    def model(self) -> str:
        """The model; empty when none has seen any yet."""
        ...

    def search(self, seen: Seen, wanted: Filter, count: int, *, fold: bool = True) -> Sequence[Similar]:
        """Products whose pictures look like it, each once, most similar first; ties by id. Blocks.

        `fold` answers products with the same picture, or variants of one product, once.
        """
        ...


class Gallery(Protocol):
    """The catalogue's pictures."""

    @property
    def answering(self) -> Shelf:
        """Those that answer now: whole for whoever holds them, whatever comes in their place."""
        ...


class Run(Protocol):
    """Runs a function that would block the event loop."""

    async def __call__(self, fn: Callable[..., T], /, *args: object) -> T:
        """The function's result."""
        ...
