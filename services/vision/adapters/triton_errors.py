"""What Triton's errors mean to a caller."""

from typing import Any, Final

import grpc

from services.kit import deadline, logs
from services.kit.errors import ServiceError
from services.vision.domain.image import ImageError, MissingImage, TooLargeImage, UnreadableImage

AWAY: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)

_REFUSALS: Final = {kind.reason: kind for kind in (MissingImage, TooLargeImage, UnreadableImage)}

_logger = logs.get("vision.triton")


def refusal(told: str) -> ImageError:
    """The error that a picture was refused with in Triton, told as "REASON: text"."""
    reason, _, text = told.partition(": ")
    return _REFUSALS.get(reason, UnreadableImage)(text)


def translated(error: Any) -> Exception:
    """The error that a caller gets for Triton's grpc.RpcError; its own text stays in the logs."""
    code, text = error.code(), error.details() or ""
    if deadline.remaining() == 0.0:
        return ServiceError("DEADLINE_EXCEEDED", "the deadline passed while Triton worked")
    if "maximum queue size" in text.lower():
        return ServiceError("OVERLOADED", "the inference server has no room for more work")
    if code == grpc.StatusCode.NOT_FOUND or "unknown model" in text or "no available versions" in text:
        return ServiceError("MODEL_UNAVAILABLE", "the inference server has no model loaded")
    _logger.warning("triton.error", code=code.name, text=text[:300])
    return ServiceError("INFERENCE_UNAVAILABLE", "the inference server does not answer")
