"""The port Inference in front of another: pictures that come again are not seen again."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from services.vision.domain.ports import Inference
from services.vision.domain.seen import Seen

Key = tuple[str, bytes]
"""The model, and a digest of the picture."""


class Remembering:
    """Keeps what was seen last, up to some bytes of it; a refusal is told anew each time.

    Not Triton's own cache: it keeps the empty answer, too, that Triton gives while a process of a model dies.
    """

    def __init__(self, inference: Inference, room: int) -> None:
        """`room` is in bytes; 0 keeps nothing."""
        self._inference, self._room = inference, room
        self._kept: OrderedDict[Key, Seen] = OrderedDict()

    @property
    def models(self) -> Sequence[str]:
        """See Inference."""
        return self._inference.models

    def keep(self, model: str) -> None:
        """See Inference."""
        self._inference.keep(model)

    async def see(self, picture: bytes, model: str = "") -> Seen:
        """See Inference."""
        models = self.models
        asked = model if model in models else next(reversed(models), "")
        digest = hashlib.sha256(picture).digest()
        if known := self._kept.get((asked, digest)):
            self._kept.move_to_end((asked, digest))
            return known
        seen = await self._inference.see(picture, model)
        self._put((seen.model, digest), seen)
        return seen

    def _put(self, key: Key, seen: Seen) -> None:
        if key not in self._kept:
            self._room -= _size(seen)
        self._kept[key] = seen
        while self._room < 0:
            self._room += _size(self._kept.popitem(last=False)[1])


def _size(seen: Seen) -> int:
    """What keeping it takes, with the key and what Python adds."""
    return seen.probabilities.nbytes + seen.embedding.nbytes + 1000
