"""Turns exceptions into gRPC statuses with a published reason, and reads the reason back on the client.

Exception
├── ServiceError              raised by wire, adapters and servicers
├── a domain's own errors     any exception whose class attribute `reason` names an ErrorReason
└── everything else           a bug: INTERNAL, without its text
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import grpc
from aisle.catalog.v1 import error_reason_pb2
from google.rpc import error_details_pb2, status_pb2

DOMAIN: Final = "aisle"
DETAILS_KEY: Final = "grpc-status-details-bin"
_PREFIX: Final = "ERROR_REASON_"

STATUS_OF_REASON: Mapping[str, grpc.StatusCode] = MappingProxyType(
    {
        "REQUIRED": grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_VALUE": grpc.StatusCode.INVALID_ARGUMENT,
        "TOO_MANY_ITEMS": grpc.StatusCode.INVALID_ARGUMENT,
        "TOO_LARGE": grpc.StatusCode.INVALID_ARGUMENT,
        "MIXED_CURRENCIES": grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_PAGE_TOKEN": grpc.StatusCode.INVALID_ARGUMENT,
        "EVENT_IN_FUTURE": grpc.StatusCode.INVALID_ARGUMENT,
        "UNREADABLE_IMAGE": grpc.StatusCode.INVALID_ARGUMENT,
        "PRODUCT_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
        "PRICE_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
        "LOG_UNAVAILABLE": grpc.StatusCode.UNAVAILABLE,
        "LOG_FULL": grpc.StatusCode.RESOURCE_EXHAUSTED,
        "INFERENCE_UNAVAILABLE": grpc.StatusCode.UNAVAILABLE,
        "MODEL_UNAVAILABLE": grpc.StatusCode.FAILED_PRECONDITION,
        "OVERLOADED": grpc.StatusCode.RESOURCE_EXHAUSTED,
        "CONFLICT": grpc.StatusCode.ABORTED,
        "INTERNAL": grpc.StatusCode.INTERNAL,
        "DEADLINE_EXCEEDED": grpc.StatusCode.DEADLINE_EXCEEDED,
        "PROPOSAL_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
        "PROPOSAL_DECIDED": grpc.StatusCode.FAILED_PRECONDITION,
        "PROPOSAL_EXPIRED": grpc.StatusCode.FAILED_PRECONDITION,
        "PROPOSAL_STALE": grpc.StatusCode.FAILED_PRECONDITION,
        "EXPERIMENT_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
        "EXPERIMENT_OVER": grpc.StatusCode.FAILED_PRECONDITION,
        "EXPERIMENT_STALE": grpc.StatusCode.FAILED_PRECONDITION,
        "ENGINE_UNAVAILABLE": grpc.StatusCode.UNAVAILABLE,
    }
)


class ServiceError(Exception):
    """A refusal with a published reason; `field` is the request's field at fault, "" when there is none."""

    def __init__(self, reason: str, message: str, *, field: str = "") -> None:
        """Raises KeyError when the proto does not publish the reason."""
        STATUS_OF_REASON[reason]
        super().__init__(message)
        self.reason = reason
        self.field = field


def passing(error: BaseException) -> bool:
    """Whether something else is away: what was refused is worth trying again."""
    reason = getattr(error, "reason", None)
    return isinstance(reason, str) and STATUS_OF_REASON.get(reason) is grpc.StatusCode.UNAVAILABLE


class Refusal(NamedTuple):
    """What a caller may know of an error."""

    reason: str
    message: str
    field: str = ""

    @property
    def code(self) -> grpc.StatusCode:
        """The gRPC status of the reason."""
        return STATUS_OF_REASON[self.reason]


def refusal_of(error: BaseException) -> Refusal | None:
    """What to tell the caller of an error that a service raised on purpose; None for a bug."""
    reason = getattr(error, "reason", None)
    if not isinstance(reason, str) or reason not in STATUS_OF_REASON or reason == "INTERNAL":
        return None
    return Refusal(reason, str(error), str(getattr(error, "field", "")))


def enum_of(reason: str) -> error_reason_pb2.ErrorReason.ValueType:
    """The proto's value of a reason's name, for messages that tell errors item by item."""
    return error_reason_pb2.ErrorReason.Value(_PREFIX + reason)


def pack(refusal: Refusal, request_id: str) -> bytes:
    """The serialised google.rpc.Status that travels in the trailer `grpc-status-details-bin`."""
    status = status_pb2.Status(code=refusal.code.value[0], message=refusal.message)
    info = error_details_pb2.ErrorInfo(reason=refusal.reason, domain=DOMAIN)
    if refusal.field:
        info.metadata["field"] = refusal.field
    status.details.add().Pack(info)
    status.details.add().Pack(error_details_pb2.RequestInfo(request_id=request_id))
    return bytes(status.SerializeToString())


def reason_of(error: grpc.RpcError) -> str:
    """The reason's name without prefix ("OVERLOADED"); "" when the error carries none of ours."""
    return str(_info_of(error).reason)


def field_of(error: grpc.RpcError) -> str:
    """The request's field at fault; "" when there is none."""
    return str(_info_of(error).metadata.get("field", ""))


def _info_of(error: grpc.RpcError) -> error_details_pb2.ErrorInfo:
    info = error_details_pb2.ErrorInfo()
    trailers: Any = error.trailing_metadata() if isinstance(error, grpc.aio.AioRpcError | grpc.Call) else None
    for key, value in trailers or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            for detail in status_pb2.Status.FromString(value).details:
                if detail.Is(info.DESCRIPTOR) and detail.Unpack(info) and info.domain == DOMAIN:
                    return info
    return error_details_pb2.ErrorInfo()
