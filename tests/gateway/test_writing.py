"""What may be written, what is refused and why, item by item, over a real channel."""

import math

import grpc
import pytest
from aisle.catalog.v1 import error_reason_pb2, money_pb2, product_pb2
from aisle.events.v1 import event_pb2
from aisle.gateway.v1 import catalog_service_pb2, event_service_pb2

from services.gateway.domain.clock import SteadyClock
from services.kit.errors import reason_of
from services.kit.testing import wait_until
from tests.gateway.shop import event, gateway, product, usd


@pytest.fixture
async def door(tmp_path):
    async with gateway(tmp_path) as it:
        yield it


def told(answer) -> list[tuple[int, str, str]]:
    """(index, reason, field) of each refused item."""
    name = error_reason_pb2.ErrorReason.Name
    return [(one.index, name(one.reason).removeprefix("ERROR_REASON_"), one.field) for one in answer.errors]


BAD_PRODUCTS = [
    (product(1, id=""), "REQUIRED", "id"),
    (product(1, id="x" * 10_000), "TOO_LARGE", "id"),
    (product(1, id="ü" * 65), "TOO_LARGE", "id"),
    (product(1, id="a\x00b"), "INVALID_VALUE", "id"),
    (product(1, title="  "), "REQUIRED", "title"),
    (product(1, title="x" * 1001), "TOO_LARGE", "title"),
    (product(1, description="x" * 17_000), "TOO_LARGE", "description"),
    (product(1, categories=["A > "]), "INVALID_VALUE", "categories[0]"),
    (product(1, categories=["A"] * 21), "TOO_LARGE", "categories"),
    (product(1, price=usd(-1)), "INVALID_VALUE", "price.amount_micros"),
    (product(1, price=money_pb2.Money(currency_code="usd")), "INVALID_VALUE", "price.currency_code"),
    (product(1, cost=money_pb2.Money(currency_code="EUR")), "MIXED_CURRENCIES", "cost.currency_code"),
    (product(1, availability=9), "INVALID_VALUE", "availability"),
    (product(1, available_quantity=-1), "INVALID_VALUE", "available_quantity"),
    (product(1, images=[product_pb2.Image()]), "REQUIRED", "images[0]"),
    (product(1, images=[product_pb2.Image(uri="javascript:x")]), "INVALID_VALUE", "images[0].uri"),
    (product(1, images=[product_pb2.Image(content=b"x" * 600_000)]), "TOO_LARGE", ""),
    (product(1, gtin="12a"), "INVALID_VALUE", "gtin"),
    (product(1, language_code="not a tag"), "INVALID_VALUE", "language_code"),
]


async def test_bad_products_are_told_and_the_good_are_written(door):
    products = [product(7), *(one for one, _, _ in BAD_PRODUCTS), product(8)]
    answer = await door.catalog.UpsertProducts(catalog_service_pb2.UpsertProductsRequest(products=products))
    assert answer.written_count == 2
    assert told(answer) == [(n, reason, field) for n, (_, reason, field) in enumerate(BAD_PRODUCTS, 1)]
    assert answer.errors[1].id == "x" * 128


def detail(**values) -> list[event_pb2.ProductDetail]:
    return [
        event_pb2.ProductDetail(product_id="p"),
        event_pb2.ProductDetail(**({"product_id": "p"} | values)),
    ]


def bad_events(now: int):
    return [
        (event_pb2.Event(), "REQUIRED", "message_id"),
        (event(1, "p", message_id="m\n"), "INVALID_VALUE", "message_id"),
        (event_pb2.Event(message_id="m"), "REQUIRED", "type"),
        (event(1, "p", type=99), "INVALID_VALUE", "type"),
        (event_pb2.Event(message_id="m", type=4), "REQUIRED", "event_time"),
        (event(1, "p", seconds=now + 400), "EVENT_IN_FUTURE", "event_time"),
        (event(1, "p", seconds=10**15), "INVALID_VALUE", "event_time"),
        (event(1), "REQUIRED", "product_details"),
        (event(1, *["p"] * 1001), "TOO_MANY_ITEMS", "product_details"),
        (event(1, "p", type=1), "REQUIRED", "search_query"),
        *((event(1, type=kind), "REQUIRED", "product_details") for kind in (10, 14, 15)),
        (event(1, "p", rating=math.nan), "INVALID_VALUE", "rating"),
        (event(1, "p", rating=6), "INVALID_VALUE", "rating"),
        (event(1, "p", order_id="x" * 129), "TOO_LARGE", "order_id"),
        (event(1, product_details=detail(product_id="")), "REQUIRED", "product_details[1].product_id"),
        (event(1, product_details=detail(quantity=-1)), "INVALID_VALUE", "product_details[1].quantity"),
        (
            event(1, product_details=detail(price=usd(-5))),
            "INVALID_VALUE",
            "product_details[1].price.amount_micros",
        ),
    ]


async def test_bad_events_are_told_and_the_good_are_written_once(door):
    bad = bad_events(int(SteadyClock().now()))
    unsigned = event(3, "p")
    unsigned.user_id = ""
    bad.append((unsigned, "REQUIRED", "visitor_id"))
    events = [event(1, "p"), *(one for one, _, _ in bad), event(2, "p"), event(1, "q")]
    answer = await door.events.WriteEvents(event_service_pb2.WriteEventsRequest(events=events))
    assert told(answer) == [(n, reason, field) for n, (_, reason, field) in enumerate(bad, 1)]
    assert (answer.written_count, answer.duplicate_count) == (2, 1)
    again = await door.events.WriteEvents(event_service_pb2.WriteEventsRequest(events=[event(2, "p")]))
    assert (again.written_count, again.duplicate_count) == (0, 1)


async def test_every_type_is_written_and_promotions_and_coupons_need_no_product(door):
    kinds = [kind for kind in event_pb2.EventType.values() if kind]
    events = [event(f"t{kind}", "p", type=kind, search_query="q") for kind in kinds]
    bare = [event(f"b{kind}", type=kind, search_query="q") for kind in (1, 11, 12, 13)]
    answer = await door.events.WriteEvents(event_service_pb2.WriteEventsRequest(events=events + bare))
    assert (answer.written_count, told(answer)) == (len(kinds) + 4, [])


async def test_empty_and_oversized_requests(door):
    assert (await door.catalog.UpsertProducts(catalog_service_pb2.UpsertProductsRequest())).written_count == 0
    assert (await door.events.WriteEvents(event_service_pb2.WriteEventsRequest())).written_count == 0
    calls = [
        (door.events.WriteEvents, event_service_pb2.WriteEventsRequest(events=[event_pb2.Event()] * 10_000)),
        (
            door.catalog.UpsertProducts,
            catalog_service_pb2.UpsertProductsRequest(products=[product(1)] * 1001),
        ),
        (
            door.catalog.DeleteProducts,
            catalog_service_pb2.DeleteProductsRequest(product_ids=["p"] * 1001),
        ),
        (door.catalog.GetProducts, catalog_service_pb2.GetProductsRequest(product_ids=["p"] * 1001)),
    ]
    for method, request in calls:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await method(request)
        assert reason_of(caught.value) == "TOO_MANY_ITEMS"


async def test_the_last_of_two_changes_counts_and_a_deleted_product_is_gone(door):
    await door.fill()
    twice = [product(1, title="first"), product(1, title="second")]
    answer = await door.catalog.UpsertProducts(catalog_service_pb2.UpsertProductsRequest(products=twice))
    assert answer.written_count == 2
    gone = catalog_service_pb2.DeleteProductsRequest(product_ids=["p02", ""])
    answer = await door.catalog.DeleteProducts(gone)
    assert (answer.written_count, told(answer)) == (1, [(1, "REQUIRED", "id")])
    request = catalog_service_pb2.GetProductsRequest(product_ids=["p01", "p02"])

    async def seen() -> bool:
        found = await door.catalog.GetProducts(request)
        titles = [one.title for one in found.products]
        return titles == ["second"] and list(found.missing_product_ids) == ["p02"]

    await wait_until(seen)


def test_a_clock_that_is_set_back_loses_no_event():
    wall, steady = [1000.0], [5.0]
    clock = SteadyClock(lambda: wall[0], lambda: steady[0])
    wall[0], steady[0] = -2600.0, 15.0  # an hour back, ten seconds later
    assert clock.now() == 1010.0
    wall[0] = 9999.0
    assert clock.now() == 9999.0
    wall[0] = 1010.0
    assert clock.now() == 1010.0
