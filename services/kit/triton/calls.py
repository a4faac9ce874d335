"""How Triton is asked: the options of a channel to it, and what its errors mean to a caller."""

from typing import Any, Final

import grpc
from tritonclient.grpc import service_pb2 as pb

from services.kit import deadline, logs
from services.kit.errors import ServiceError

AWAY: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)

LOAD_SECONDS: Final = 60.0
PING_SECONDS: Final = 2.0

DEAD: Final = "is not healthy"
"""What Triton says of a model's process that died."""

_FULL: Final = "maximum queue size"
"""What it says when its queue is."""

# A client's own default waits up to two minutes before it looks again for a server that was away.
CHANNEL: Final = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_send_message_length", 16 * 2**20),
    ("grpc.max_receive_message_length", 16 * 2**20),
]

_logger = logs.get("kit.triton")


def load(triton: Any, name: str) -> None:
    """Has Triton load a model as it stands in the repository; `triton` are its stubs. Raises RpcError."""
    triton.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name=name), timeout=LOAD_SECONDS)


def is_gone(error: Any) -> bool:
    """Whether a grpc.RpcError says that the server went away, rather than that it has no room."""
    unavailable = error.code() == grpc.StatusCode.UNAVAILABLE
    return bool(unavailable and _FULL not in (error.details() or "").lower())


def translated(error: Any) -> ServiceError:
    """The error that a caller gets for Triton's grpc.RpcError; its own text stays in the logs."""
    code, text = error.code(), error.details() or ""
    if deadline.remaining() == 0.0:
        return ServiceError("DEADLINE_EXCEEDED", "the deadline passed while Triton worked")
    if _FULL in text.lower():
        return ServiceError("OVERLOADED", "the inference server has no room for more work")
    if code == grpc.StatusCode.NOT_FOUND or "unknown model" in text or "no available versions" in text:
        return ServiceError("MODEL_UNAVAILABLE", "the inference server has no model loaded")
    _logger.warning("triton.error", code=code.name, text=text[:300])
    return ServiceError("INFERENCE_UNAVAILABLE", "the inference server does not answer")
