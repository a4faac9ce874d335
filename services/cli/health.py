"""Asks each part whether it can work: services and Triton by gRPC health, NATS by its greeting."""

import asyncio
import importlib
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.cli.settings import FULL_NAMES, SERVICES, Config
from services.kit.triton.config import TritonConfig

ASK_SECONDS = 2.0
POLL_SECONDS = 0.3
OK = "ok"


def addresses(config: Config) -> dict[str, str]:
    """Where each part answers, by the parts' own settings."""
    nats = urlsplit(config.nats_url)
    found = {"nats": f"{nats.hostname}:{nats.port or 4222}"}
    triton = TritonConfig()
    found["triton"] = f"{triton.host}:{triton.port}"
    for service in SERVICES:
        own = importlib.import_module(f"services.{service}.config").Config()
        found[service] = f"{own.host}:{own.port}"
    return {part: address.replace("0.0.0.0", "127.0.0.1") for part, address in found.items()}


async def ask(part: str, address: str) -> str:
    """OK, or in words what is wrong."""
    try:
        if part == "nats":
            return await asyncio.wait_for(_nats(address), ASK_SECONDS)
        async with grpc.aio.insecure_channel(address) as channel:
            return await _service(channel, FULL_NAMES.get(part, ""))
    except grpc.RpcError as error:
        return f"does not answer ({error.code().name})"
    except (OSError, TimeoutError) as error:
        return f"does not answer ({type(error).__name__})"


async def ask_all(where: Mapping[str, str]) -> dict[str, str]:
    """Every part at once."""
    answers = await asyncio.gather(*(ask(part, address) for part, address in where.items()))
    return dict(zip(where, answers, strict=True))


async def wait(
    where: Mapping[str, str],
    seconds: float,
    *,
    tell: Callable[[Mapping[str, str]], None] = lambda _: None,
    alive: Callable[[], bool] = lambda: True,
) -> dict[str, str]:
    """The last answers: as soon as all are OK, after `seconds`, or once nothing is alive."""
    ends = time.monotonic() + seconds
    while True:
        answers = await ask_all(where)
        tell(answers)
        if all(answer == OK for answer in answers.values()) or time.monotonic() > ends or not alive():
            return answers
        await asyncio.sleep(POLL_SECONDS)


async def _service(channel: grpc.aio.Channel, full_name: str) -> str:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=full_name), timeout=ASK_SECONDS)
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return OK if status == "SERVING" else status.lower().replace("_", " ")


async def _nats(address: str) -> str:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        greeting = await reader.readline()
    finally:
        writer.close()
    if not greeting.startswith(b"INFO "):
        return "answers, but is not NATS"
    return OK if b'"jetstream":true' in greeting else "runs without JetStream"
