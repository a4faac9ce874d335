"""Looks at a picture: checks and shrinks it, has the model see it, finds products like it."""

from collections.abc import Sequence

from services.vision.domain.image import prepare
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

    async def recognize(self, picture: bytes) -> Seen:
        """What it shows. Raises an ImageError, or what Inference.see raises."""
        return await self._inference.see(await self._decode(prepare, picture))

    async def similar(self, picture: bytes, wanted: Filter, count: int) -> tuple[Seen, Sequence[Similar]]:
        """What it shows, and the products that look like it."""
        wanted.check()
        seen = await self.recognize(picture)
        return seen, await self._find(self._gallery.search, seen, wanted, count)
