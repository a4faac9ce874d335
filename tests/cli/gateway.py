"""A gateway that keeps what is written in memory: what `aisle import` needs of the real one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aisle.catalog.v1 import error_reason_pb2, product_pb2
from aisle.events.v1 import event_pb2
from aisle.gateway.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    event_service_pb2,
    event_service_pb2_grpc,
)

from services.kit.config import Settings
from services.kit.errors import ServiceError
from services.kit.server import Endpoint, Running, Service
from services.kit.testing import running


class Shop(catalog_service_pb2_grpc.CatalogServiceServicer, event_service_pb2_grpc.EventServiceServicer):
    """Products by id and events by message_id; refuses negative prices, as the gateway does."""

    def __init__(self) -> None:
        self.products: dict[str, product_pb2.Product] = {}
        self.events: dict[str, event_pb2.Event] = {}
        self.calls = 0
        self.fail_calls: set[int] = set()
        """Numbers of calls, from 1, that answer LOG_UNAVAILABLE."""
        self.calls_until_gone = 0
        """After this many calls every one fails for ever; 0 is never."""

    def _call(self) -> None:
        self.calls += 1
        if self.calls in self.fail_calls or 0 < self.calls_until_gone < self.calls:
            raise ServiceError("LOG_UNAVAILABLE", "the log does not answer")

    async def UpsertProducts(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._call()
        errors = [
            catalog_service_pb2.ItemError(
                index=index,
                id=product.id,
                reason=error_reason_pb2.ERROR_REASON_INVALID_VALUE,
                field="price.amount_micros",
                message="price must not be negative",
            )
            for index, product in enumerate(request.products)
            if product.price.amount_micros < 0
        ]
        bad = {error.index for error in errors}
        good = [product for index, product in enumerate(request.products) if index not in bad]
        self.products.update((product.id, product) for product in good)
        return catalog_service_pb2.UpsertProductsResponse(written_count=len(good), errors=errors)

    async def GetProducts(self, request: Any, context: Any) -> Any:  # noqa: N802
        found = [self.products[id] for id in request.product_ids if id in self.products]
        return catalog_service_pb2.GetProductsResponse(products=found)

    async def WriteEvents(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._call()
        new = {event.message_id: event for event in request.events if event.message_id not in self.events}
        self.events |= new
        return event_service_pb2.WriteEventsResponse(
            written_count=len(new), duplicate_count=len(request.events) - len(new)
        )


@asynccontextmanager
async def serving(shop: Shop) -> AsyncIterator[Running]:
    """The shop on a real port of this process."""
    endpoints = [
        Endpoint(
            catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server,
            shop,
            "aisle.gateway.v1.CatalogService",
        ),
        Endpoint(
            event_service_pb2_grpc.add_EventServiceServicer_to_server, shop, "aisle.gateway.v1.EventService"
        ),
    ]
    settings = Settings(drain_seconds=0, metrics_port=0)  # type: ignore[call-arg]
    async with running(Service("gateway", settings, endpoints, [])) as server:
        yield server
