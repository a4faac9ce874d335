"""Looks at a picture: checks and shrinks it, has the model see it, finds products like it."""

from collections.abc import Sequence
from functools import partial

from services.vision.domain.errors import InvalidValue
from services.vision.domain.image import Box, prepare
from services.vision.domain.ports import Gallery, Inference, Run
from services.vision.domain.product import Filter
from services.vision.domain.seen import Seen
from services.vision.domain.similar import Similar


class Eye:
    """What the service does, whatever runs the model and keeps the pictures."""

    def __init__(self, inference: Inference, gallery: Gallery, decode: Run, find: Run) -> None:
        """`decode` runs what is done to pictures, `find` what is done to vectors."""
        self._inference = inference
        self._gallery = gallery
        self._decode = decode
        self._find = find

    async def recognize(self, picture: bytes, box: Box | None = None) -> Seen:
        """What it, or its box, shows. Raises InvalidValue, an ImageError, or what Inference.see raises."""
        return await self._see(picture, box, "")

    async def similar(
        self, picture: bytes, box: Box | None, wanted: Filter, count: int, *, fold: bool = True
    ) -> tuple[Seen, Sequence[Similar]]:
        """What it shows, and the products that look like it; `fold` answers duplicates once.

        The model that sees it is the one that the index is of, which may be the one before the newest.
        """
        wanted.check()
        shelf = self._gallery.answering
        seen = await self._see(picture, box, shelf.model)
        return seen, await self._find(partial(shelf.search, fold=fold), seen, wanted, count)

    async def _see(self, picture: bytes, box: Box | None, model: str) -> Seen:
        if box is not None:
            check(box)
        return await self._inference.see(await self._decode(prepare, picture, box), model)


def check(box: Box) -> None:
    """Raises InvalidValue for a box that is not inside the picture or has nothing inside."""
    left, top, right, bottom = box
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise InvalidValue("a box has 0 <= left < right <= 1 and 0 <= top < bottom <= 1", "box")
