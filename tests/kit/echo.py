"""A service small enough to see through: SearchService whose query says how it shall answer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
from aisle.search.v1 import search_pb2, search_pb2_grpc

from services.kit import deadline
from services.kit.config import Settings
from services.kit.errors import ServiceError
from services.kit.server import Endpoint, Resource, Service

FULL_NAME = "aisle.search.v1.SearchService"
Answer = Callable[[search_pb2.SearchRequest, Any], Awaitable[search_pb2.SearchResponse]]


class DomainError(Exception):
    """An error as a domain raises them: plain, with a reason."""

    reason = "INVALID_VALUE"
    field = "query"


async def echo(request: search_pb2.SearchRequest, context: Any) -> search_pb2.SearchResponse:
    """Answers "slow" late, refuses "refuse:REASON", breaks on "bug"; else tells the query back."""
    match request.query.partition(":"):
        case "slow", _, seconds:
            await asyncio.sleep(float(seconds))
        case "refuse", _, reason:
            raise ServiceError(reason, f"refused with {reason}", field="query")
        case "domain", _, _:
            raise DomainError("no such query")
        case "bug", _, secret:
            raise KeyError(secret)
        case "left", _, _:
            return search_pb2.SearchResponse(served_by=repr(deadline.remaining()))
    return search_pb2.SearchResponse(served_by=request.query)


class EchoServicer(search_pb2_grpc.SearchServiceServicer):
    """Answers Search with the function it is given."""

    def __init__(self, answer: Answer = echo) -> None:
        self._answer = answer
        self.calls = 0

    async def Search(self, request, context):  # noqa: N802
        self.calls += 1
        return await self._answer(request, context)


def echo_service(answer: Answer = echo, resources: Sequence[Resource] = (), **settings: Any) -> Service:
    """A service with quick settings."""
    defaults = {"home": Path("unused"), "ping_seconds": 0.02, "drain_seconds": 0.0, "grace_seconds": 5.0}
    endpoint = Endpoint(search_pb2_grpc.add_SearchServiceServicer_to_server, EchoServicer(answer), FULL_NAME)
    return Service("echo", Settings(**{**defaults, **settings}), [endpoint], resources)


async def ask(channel: grpc.aio.Channel, query: str, **options: Any) -> str:
    """The answer's served_by."""
    stub = search_pb2_grpc.SearchServiceStub(channel)
    response = await stub.Search(search_pb2.SearchRequest(query=query), **options)
    return str(response.served_by)
