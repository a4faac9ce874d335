"""A small shop whose right answers a reader sees by eye, and its products and events as messages."""

from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
from aisle.catalog.v1 import money_pb2, product_pb2
from aisle.events.v1 import event_pb2
from aisle.gateway.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    event_service_pb2,
    event_service_pb2_grpc,
    storefront_service_pb2_grpc,
)

from services.gateway.adapters.memory import Shop
from services.gateway.config import Config
from services.gateway.domain.model import Card, Money
from services.gateway.server import build
from services.kit.memory_log import MemoryLog
from services.kit.testing import serving, wait_until

KINDS = ("Milk", "Bread", "Apple")
BOUGHT = ("p00", "p01")


def product(number: int, **changes) -> product_pb2.Product:
    """Product p00 is Milk 0, p01 Bread 1, p02 Apple 2, p03 Milk 3, ...; each costs 1.00 + its number."""
    kind = KINDS[number % 3]
    values = {
        "id": f"p{number:02}",
        "title": f"{kind} {number}",
        "categories": [f"Grocery > {kind}"],
        "brand": "Own",
        "price": usd(1_000_000 * (number + 1)),
        "cost": usd(500_000),
        "images": [product_pb2.Image(content=b"jpeg"), product_pb2.Image(uri="https://shop/p.jpg")],
    }
    return product_pb2.Product(**(values | changes))


def usd(micros: int) -> money_pb2.Money:
    return money_pb2.Money(currency_code="USD", amount_micros=micros)


def event(number: int, *product_ids: str, seconds: int = 1_700_000_000, **changes) -> event_pb2.Event:
    """An order of the products."""
    made = event_pb2.Event(
        message_id=f"m{number}",
        type=event_pb2.EVENT_TYPE_ORDER_COMPLETED,
        user_id="ann",
        product_details=[
            event_pb2.ProductDetail(product_id=one, quantity=1, price=usd(1_000_000)) for one in product_ids
        ],
    )
    made.event_time.seconds = seconds
    made.MergeFrom(event_pb2.Event(**changes))
    return made


PRODUCTS = [product(number) for number in range(60)]


def small_shop(**changes) -> Shop:
    cards = {
        one.id: Card(
            one.id,
            one.title,
            tuple(one.categories),
            one.brand,
            Money("USD", one.price.amount_micros),
            True,
            b"",
        )
        for one in PRODUCTS
    }
    return Shop(cards, {"ann": BOUGHT}, **changes)


@dataclass
class Gateway:
    """Stubs of the gateway's three services."""

    pages: storefront_service_pb2_grpc.StorefrontServiceStub
    catalog: catalog_service_pb2_grpc.CatalogServiceStub
    events: event_service_pb2_grpc.EventServiceStub
    channel: grpc.aio.Channel

    async def fill(self) -> None:
        """Writes the shop's products and one order each of p00 to p39, and waits until pages show them."""
        await self.catalog.UpsertProducts(catalog_service_pb2.UpsertProductsRequest(products=PRODUCTS))
        orders = [event(number, f"p{number:02}") for number in range(40)]
        await self.events.WriteEvents(event_service_pb2.WriteEventsRequest(events=orders))
        request = catalog_service_pb2.GetProductsRequest(product_ids=[PRODUCTS[-1].id])

        async def there() -> bool:
            return bool((await self.catalog.GetProducts(request)).products)

        await wait_until(there)


@asynccontextmanager
async def gateway(home, *, log=None, town=None, **settings):
    """The real gateway on a real channel, before a town of backends."""
    nobody = dict.fromkeys(("recsys", "search", "vision", "pricing"), "127.0.0.1:1")
    targets = {f"{name}_target": target for name, target in (town.targets if town else nobody).items()}
    config = Config(home=home, port=0, drain_seconds=0, grace_seconds=1, **targets, **settings)
    service = build(config, log=log or MemoryLog())
    async with serving(service) as channel:
        yield Gateway(
            storefront_service_pb2_grpc.StorefrontServiceStub(channel),
            catalog_service_pb2_grpc.CatalogServiceStub(channel),
            event_service_pb2_grpc.EventServiceStub(channel),
            channel,
        )
