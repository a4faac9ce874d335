"""Rows become the protos' messages, whichever way their names and values are written."""

from typing import Any

import pytest
from aisle.catalog.v1 import product_pb2
from aisle.events.v1 import event_pb2

from services.cli import messages
from services.cli.formats import Row


def product(values: dict[str, Any]) -> messages.Item:
    return next(messages.products([Row(1, values)]))


def event(*rows: dict[str, Any]) -> list[messages.Item]:
    return list(messages.events(Row(line, values) for line, values in enumerate(rows, start=1)))


MILK = product_pb2.Product(
    id="7",
    title="Milk",
    categories=["Grocery > Milk", "Breakfast"],
    price={"currency_code": "USD", "amount_micros": 3_990_000},
    availability=product_pb2.AVAILABILITY_IN_STOCK,
    available_quantity=4,
    attributes={"fat": product_pb2.AttributeValues(texts=["2%"])},
    images=[product_pb2.Image(uri="https://shop.example/milk.jpg")],
)

SNAKE = {
    "id": "7", "title": "Milk", "categories": ["Grocery > Milk", "Breakfast"],
    "price": {"currency_code": "USD", "amount_micros": 3990000}, "availability": "AVAILABILITY_IN_STOCK",
    "available_quantity": 4, "attributes": {"fat": {"texts": ["2%"]}}, "images": [{"uri": "https://shop.example/milk.jpg"}],
}  # fmt: skip
CAMEL = {
    "id": 7, "title": "Milk", "categories": ["Grocery > Milk", "Breakfast"],
    "price": {"currencyCode": "USD", "amountMicros": "3990000"}, "availability": "IN_STOCK",
    "availableQuantity": "4", "attributes": {"fat": ["2%"]}, "images": [{"uri": "https://shop.example/milk.jpg"}],
}  # fmt: skip
FLAT = {
    "id": "7", "title": "Milk", "categories": "Grocery > Milk|Breakfast", "price": "3.99", "currency": "USD",
    "availability": "in stock", "available_quantity": "4", "attributes.fat": "2%",
    "image_uri": "https://shop.example/milk.jpg",
}  # fmt: skip


@pytest.mark.parametrize("values", [SNAKE, CAMEL, FLAT], ids=["snake", "camel", "flat"])
def test_a_product_in_each_style(values: dict[str, Any]) -> None:
    item = product(values)
    assert item.error is None
    assert item.message == MILK


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"id": "7", "price": "NaN", "currency": "USD"}, "price"),
        ({"id": "7", "price": float("nan"), "currency": "USD"}, "price"),
        ({"id": "7", "price": "1.2345678", "currency": "USD"}, "price"),
        ({"id": "7", "colour": "red"}, "colour"),
        ({"id": "7", "availability": "MAYBE"}, "availability"),
        ({"id": "7", "price": {"amount_micros": 1.5}}, "price.amount_micros"),
        ({"id": "7", "price": {"amount_micros": 2**70}}, ""),
        ({"id": ["7"]}, "id"),
        ({"id": "7", "images": [{"content": "not base64"}]}, "images"),
        ({"id": "\ud800"}, ""),
    ],
)
def test_what_is_no_product_is_told_by_field(values: dict[str, Any], field: str) -> None:
    item = product(values)
    assert item.message is None
    assert item.error is not None
    assert item.error.reason == "INVALID_VALUE"
    assert item.error.field.startswith(field)


def test_an_event_nested_and_flat_are_the_same() -> None:
    nested = {
        "messageId": "o-1", "type": "ORDER_COMPLETED", "eventTime": "2026-03-02T09:12:00Z", "userId": "ann",
        "productDetails": [
            {"productId": "milk", "quantity": 2, "price": {"currencyCode": "USD", "amountMicros": "3490000"}},
            {"productId": "eggs", "quantity": 1},
        ],
    }  # fmt: skip
    head = {
        "message_id": "o-1",
        "type": "Order Completed",
        "event_time": "2026-03-02 09:12:00",
        "user_id": "ann",
    }
    flat = [
        {**head, "product_id": "milk", "quantity": "2", "price": "3.49", "currency": "USD"},
        {**head, "product_id": "eggs", "quantity": "1"},
        {**head, "message_id": "o-2", "product_id": "eggs"},
    ]
    (one,), (joined, other) = event(nested), event(*flat)
    assert one.message == joined.message
    assert (joined.line, joined.last, other.line) == (1, 2, 3)


def test_rows_of_one_message_that_do_not_follow_each_other_stay_apart() -> None:
    rows = [{"message_id": name, "type": "PRODUCT_VIEWED", "product_id": "x"} for name in ("a", "b", "a")]
    assert [item.line for item in event(*rows)] == [1, 2, 3]


def test_an_event_without_a_message_id_gets_the_same_each_time() -> None:
    row = {"type": "PRODUCT_VIEWED", "event_time": 1_772_442_720.5, "visitor_id": "v", "product_id": "x"}
    first, second = event(row, row)
    again, _ = event(row, row)
    ids = [
        item.message.message_id
        for item in (first, second, again)
        if isinstance(item.message, event_pb2.Event)
    ]
    assert ids[0] == ids[2] != ids[1]
    assert first.message is not None
    assert first.message.event_time.nanos == 500_000_000  # type: ignore[attr-defined]
