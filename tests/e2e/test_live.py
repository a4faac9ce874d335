"""What is written through the gateway is in the next answers, in a real house with everything up.

How long it took is printed, not asserted: these machines are shared.
"""

import time
import uuid
from collections.abc import AsyncIterator

import grpc
import pytest
from aisle.catalog.v1 import money_pb2, product_pb2
from aisle.events.v1 import event_pb2
from aisle.gateway.v1 import catalog_service_pb2 as catalog
from aisle.gateway.v1 import event_service_pb2 as events
from aisle.gateway.v1 import storefront_service_pb2 as storefront
from aisle.gateway.v1.catalog_service_pb2_grpc import CatalogServiceStub
from aisle.gateway.v1.event_service_pb2_grpc import EventServiceStub
from aisle.gateway.v1.storefront_service_pb2_grpc import StorefrontServiceStub

from services.kit.testing import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120, func_only=True)]


class House:
    """The gateway's three services, as an app sees them."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.pages, self.catalog = StorefrontServiceStub(channel), CatalogServiceStub(channel)
        self.events = EventServiceStub(channel)

    async def found(self, query: str) -> dict[str, storefront.Item]:
        """What a search shows, by product."""
        answer = await self.pages.SearchProducts(storefront.SearchProductsRequest(query=query, page_size=10))
        return {item.product.id: item for section in answer.page.sections for item in section.items}

    async def upsert(self, product: product_pb2.Product) -> None:
        answer = await self.catalog.UpsertProducts(catalog.UpsertProductsRequest(products=[product]))
        assert (answer.written_count, list(answer.errors)) == (1, [])


@pytest.fixture
async def shop(up: dict[str, str]) -> AsyncIterator[House]:
    async with grpc.aio.insecure_channel(up["AISLE_GATEWAY"]) as channel:
        yield House(channel)


def product(product_id: str, title: str, micros: int) -> product_pb2.Product:
    price = money_pb2.Money(currency_code="USD", amount_micros=micros)
    return product_pb2.Product(id=product_id, title=title, categories=["Test > Live"], price=price)


async def test_an_upsert_is_found_priced_and_gone_when_deleted(shop: House) -> None:
    word, product_id = f"quux{uuid.uuid4().hex[:8]}", f"live-{uuid.uuid4().hex}"
    began = time.monotonic()
    await shop.upsert(product(product_id, f"{word} lamp", 4_990_000))

    async def costs(micros: int) -> bool:
        item = (await shop.found(word)).get(product_id)
        return item is not None and item.price.price.amount_micros == micros

    await wait_until(lambda: costs(4_990_000), timeout=20)
    print(f"found and priced after {time.monotonic() - began:.2f} s")
    await shop.upsert(product(product_id, f"{word} lamp", 3_990_000))
    await wait_until(lambda: costs(3_990_000), timeout=20)

    began = time.monotonic()
    await shop.catalog.DeleteProducts(catalog.DeleteProductsRequest(product_ids=[product_id]))

    async def gone() -> bool:
        return product_id not in await shop.found(word)

    await wait_until(gone, timeout=20)
    print(f"gone after {time.monotonic() - began:.2f} s")


async def test_an_event_changes_the_shopper_s_next_answer(shop: House) -> None:
    user, product_id = f"user-{uuid.uuid4().hex}", f"live-{uuid.uuid4().hex}"
    await shop.upsert(product(product_id, "A lamp to buy again", 4_990_000))
    home = storefront.GetHomePageRequest(shopper=storefront.Shopper(user_id=user))

    async def buy_again() -> list[str]:
        sections = {section.id: section for section in (await shop.pages.GetHomePage(home)).page.sections}
        return [item.product.id for item in sections["buy-again"].items]

    assert await buy_again() == []
    order = event_pb2.Event(
        message_id=uuid.uuid4().hex,
        type=event_pb2.EVENT_TYPE_ORDER_COMPLETED,
        user_id=user,
        order_id="1",
        product_details=[event_pb2.ProductDetail(product_id=product_id)],
    )
    order.event_time.GetCurrentTime()
    began = time.monotonic()
    request = events.WriteEventsRequest(events=[order])
    assert (await shop.events.WriteEvents(request)).written_count == 1
    assert (await shop.events.WriteEvents(request)).duplicate_count == 1

    async def bought() -> bool:
        return await buy_again() == [product_id]

    await wait_until(bought, timeout=20)
    print(f"in the next answer after {time.monotonic() - began:.2f} s")
