"""The gateway's three gRPC services: a request in, one call of the domain, an answer out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aisle.catalog.v1 import product_pb2
from aisle.gateway.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    event_service_pb2,
    event_service_pb2_grpc,
    storefront_service_pb2,
    storefront_service_pb2_grpc,
)

from services.gateway import wire
from services.gateway.domain import limits, requests
from services.gateway.domain.calls import Ask
from services.gateway.domain.checks import check_count, check_id
from services.gateway.domain.clock import SteadyClock
from services.gateway.domain.events import check_event
from services.gateway.domain.model import Page
from services.gateway.domain.pages import PageName
from services.gateway.domain.ports import Journal, Shelf, Stream
from services.gateway.domain.prices import total
from services.gateway.domain.products import check_product
from services.gateway.domain.storefront import Storefront
from services.gateway.domain.writing import write

PURPOSE_KEY = "sec-purpose"
"""Metadata of a request; "prefetch" says that a page is asked for ahead, and may be refused first."""


@dataclass(frozen=True)
class CallFacts:
    """What the servicer must know of the call at hand besides its message."""

    budget: Callable[[], float]
    request_id: Callable[[], str]


class StorefrontServicer(storefront_service_pb2_grpc.StorefrontServiceServicer):
    """Composes pages."""

    def __init__(self, storefront: Storefront, facts: CallFacts) -> None:
        self._storefront = storefront
        self._facts = facts

    async def _page(self, name: PageName, ask: Ask, context: Any) -> Page:
        ahead = (PURPOSE_KEY, "prefetch") in tuple(context.invocation_metadata() or ())
        facts = self._facts
        return await self._storefront.page(
            name, ask, facts.budget(), request_id=facts.request_id(), ahead=ahead
        )

    async def GetHomePage(
        self, request: storefront_service_pb2.GetHomePageRequest, context: Any
    ) -> storefront_service_pb2.GetHomePageResponse:
        """See the proto."""
        ask = requests.home(wire.shopper(request.shopper), request.page_size)
        page = await self._page(PageName.HOME, ask, context)
        return storefront_service_pb2.GetHomePageResponse(page=wire.page_message(page))

    async def SearchProducts(
        self, request: storefront_service_pb2.SearchProductsRequest, context: Any
    ) -> storefront_service_pb2.SearchProductsResponse:
        """See the proto."""
        ask = requests.search(
            wire.shopper(request.shopper),
            wire.search_query(request),
            request.order_by,
        )
        page = await self._page(PageName.SEARCH, ask, context)
        found = page.sections[0].answer
        return storefront_service_pb2.SearchProductsResponse(
            page=wire.page_message(page),
            total_size=found.total,
            next_page_token=found.next_token,
            facets=map(wire.facet_message, found.facets),
            corrected_query=found.corrected,
            lifted_conditions=found.lifted,
            wider_total_size=found.wider_total,
            related_categories=found.related_categories,
            related_queries=found.related_queries,
            understanding=wire.understanding_message(found.understanding),
            redirect_uri=found.redirect_uri,
        )

    async def GetProductPage(
        self, request: storefront_service_pb2.GetProductPageRequest, context: Any
    ) -> storefront_service_pb2.GetProductPageResponse:
        """See the proto."""
        ask = requests.product(wire.shopper(request.shopper), request.product_id, request.page_size)
        page = await self._page(PageName.PRODUCT, ask, context)
        return storefront_service_pb2.GetProductPageResponse(page=wire.page_message(page))

    async def GetCartPage(
        self, request: storefront_service_pb2.GetCartPageRequest, context: Any
    ) -> storefront_service_pb2.GetCartPageResponse:
        """See the proto."""
        lines = [wire.cart_line(line) for line in request.lines]
        ask = requests.cart(wire.shopper(request.shopper), lines, request.page_size)
        page = await self._page(PageName.CART, ask, context)
        cart = page.sections[0]
        shown = {item.card.id for item in cart.items}
        amount = total(cart.items)
        return storefront_service_pb2.GetCartPageResponse(
            page=wire.page_message(page),
            total=wire.money_message(amount) if amount else None,
            missing_product_ids=[one for one in ask.context if one not in shown],
        )

    async def SearchByImage(
        self, request: storefront_service_pb2.SearchByImageRequest, context: Any
    ) -> storefront_service_pb2.SearchByImageResponse:
        """See the proto."""
        shopper, wanted = wire.shopper(request.shopper), wire.wanted(request.filter)
        ask = requests.image(shopper, request.image, wire.box(request), wanted, request.page_size)
        page = await self._page(PageName.IMAGE, ask, context)
        labels = map(wire.label_message, page.sections[0].answer.labels)
        return storefront_service_pb2.SearchByImageResponse(page=wire.page_message(page), labels=labels)

    async def CompleteQuery(
        self, request: storefront_service_pb2.CompleteQueryRequest, context: Any
    ) -> storefront_service_pb2.CompleteQueryResponse:
        """See the proto."""
        ask = requests.completion(wire.shopper(request.shopper), request.prefix, request.page_size)
        suggestions, status = await self._storefront.complete(ask, self._facts.budget())
        return storefront_service_pb2.CompleteQueryResponse(
            suggestions=suggestions, status=storefront_service_pb2.SectionStatus.ValueType(status)
        )


class CatalogServicer(catalog_service_pb2_grpc.CatalogServiceServicer):
    """Takes the catalogue."""

    def __init__(self, journal: Journal, shelf: Shelf) -> None:
        self._journal = journal
        self._shelf = shelf

    async def UpsertProducts(
        self, request: catalog_service_pb2.UpsertProductsRequest, context: Any
    ) -> catalog_service_pb2.UpsertProductsResponse:
        """See the proto."""
        check_count(request.products, limits.ITEMS, "products")
        items = [wire.product_item(product) for product in request.products]
        outcome = await write(self._journal, Stream.CATALOG, items, check_product)
        return catalog_service_pb2.UpsertProductsResponse(
            written_count=outcome.written, errors=wire.faults(outcome.faults)
        )

    async def DeleteProducts(
        self, request: catalog_service_pb2.DeleteProductsRequest, context: Any
    ) -> catalog_service_pb2.DeleteProductsResponse:
        """See the proto."""
        check_count(request.product_ids, limits.ITEMS, "product_ids")
        items = [wire.tombstone_item(product_id) for product_id in request.product_ids]
        outcome = await write(self._journal, Stream.CATALOG, items, lambda one: check_id(one, "id"))
        return catalog_service_pb2.DeleteProductsResponse(
            written_count=outcome.written, errors=wire.faults(outcome.faults)
        )

    async def GetProducts(
        self, request: catalog_service_pb2.GetProductsRequest, context: Any
    ) -> catalog_service_pb2.GetProductsResponse:
        """See the proto."""
        check_count(request.product_ids, limits.ITEMS, "product_ids")
        found = await self._shelf.products(request.product_ids)
        return catalog_service_pb2.GetProductsResponse(
            products=[
                product_pb2.Product.FromString(found[one]) for one in request.product_ids if one in found
            ],
            missing_product_ids=[one for one in request.product_ids if one not in found],
        )


class EventServicer(event_service_pb2_grpc.EventServiceServicer):
    """Takes events."""

    def __init__(self, journal: Journal, clock: SteadyClock) -> None:
        self._journal = journal
        self._clock = clock

    async def WriteEvents(
        self, request: event_service_pb2.WriteEventsRequest, context: Any
    ) -> event_service_pb2.WriteEventsResponse:
        """See the proto."""
        check_count(request.events, limits.ITEMS, "events")
        now = self._clock.now()
        items = [wire.event_item(event) for event in request.events]
        outcome = await write(self._journal, Stream.EVENTS, items, lambda draft: check_event(draft, now))
        return event_service_pb2.WriteEventsResponse(
            written_count=outcome.written,
            duplicate_count=outcome.duplicates,
            errors=wire.faults(outcome.faults),
        )
