"""Channels to other services: balanced, health-checked, retried within reason, bounded."""

import json
from typing import Any, Final

import grpc

from services.kit.interceptors import Outgoing

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
ATTEMPTS: Final = 3
KEEPALIVE_MS: Final = 30_000
KEEPALIVE_TIMEOUT_MS: Final = 10_000
RECONNECT_MS: Final = (100, 2_000)  # first and longest wait between two attempts to connect
RESOLVE_MS: Final = 5_000  # new replicas are seen after at most this


def connect(target: str, *, full_name: str | None = None) -> grpc.aio.Channel:
    """A channel to all addresses behind the target, used in turn. Close it when done.

    With `full_name` ("aisle.search.v1.SearchService") only replicas that say SERVING for it get calls. A call
    that ends in UNAVAILABLE is tried three times in all, until too many fail. Calls carry on the request id,
    the deadline and the trace of the call that is being handled.
    """
    options = [
        ("grpc.service_config", json.dumps(service_config(full_name))),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
        ("grpc.initial_reconnect_backoff_ms", RECONNECT_MS[0]),
        ("grpc.min_reconnect_backoff_ms", RECONNECT_MS[1]),
        ("grpc.max_reconnect_backoff_ms", RECONNECT_MS[1]),
        ("grpc.dns_min_time_between_resolutions_ms", RESOLVE_MS),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    return grpc.aio.insecure_channel(target, options=options, interceptors=[Outgoing()])  # type: ignore[list-item]


def service_config(full_name: str | None) -> dict[str, Any]:
    """What gRPC is told of balancing, health and retries."""
    config: dict[str, Any] = {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": ATTEMPTS,
                    "initialBackoff": "0.05s",
                    "maxBackoff": "0.5s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ],
        # A failed call costs a token, a good one gives back a tenth; below half of them nothing is retried.
        "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
    }
    if full_name:
        config["healthCheckConfig"] = {"serviceName": full_name}
    return config
