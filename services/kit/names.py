"""Every name that telemetry uses, in one place: metadata keys, span attributes, metrics."""

from dataclasses import dataclass
from typing import Final, Literal

REQUEST_ID_KEY: Final = "x-request-id"

# OpenTelemetry's semantic conventions for RPC.
RPC_SYSTEM: Final = "rpc.system.name"
RPC_METHOD: Final = "rpc.method"
RPC_STATUS: Final = "rpc.response.status_code"
REASON: Final = "aisle.reason"
REQUEST_ID: Final = "aisle.request_id"


@dataclass(frozen=True)
class Metric:
    """A Prometheus metric: its name, kind, meaning and labels, in the order they are given."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


CALLS_HANDLED: Final = Metric(
    "aisle_call_handled_seconds",
    "histogram",
    "Seconds to handle a call, by method, status and reason.",
    ("service", "method", "code", "reason"),
)
CALLS_MADE: Final = Metric(
    "aisle_call_made_seconds",
    "histogram",
    "Seconds that a call to another service took its caller.",
    ("method", "code"),
)
SECTION: Final = Metric(
    "aisle_section_seconds",
    "histogram",
    "Seconds that a section of a page took, by how it went.",
    ("page", "section", "status"),
)
RESOURCE_WELL: Final = Metric(
    "aisle_resource_well", "gauge", "1 while the resource answers its ping.", ("service", "resource")
)
DERIVED_MISSING: Final = Metric(
    "aisle_derived_missing", "gauge", "Items of a view whose embedding is not made yet.", ("service",)
)
READY: Final = Metric("aisle_ready", "gauge", "1 while the service is ready.", ("service",))
