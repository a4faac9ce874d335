"""The error that a picture was refused with in Triton."""

from typing import Final

from services.vision.domain.image import ImageError, MissingImage, TooLargeImage, UnreadableImage

_REFUSALS: Final = {kind.reason: kind for kind in (MissingImage, TooLargeImage, UnreadableImage)}


def refusal(told: str) -> ImageError:
    """The error that Triton's model tells as "REASON: text"."""
    reason, _, text = told.partition(": ")
    return _REFUSALS.get(reason, UnreadableImage)(text)
