"""What counts as in stock."""

import pytest
from aisle.catalog.v1 import product_pb2

from services.kit.stock import in_stock


@pytest.mark.parametrize(
    ("availability", "quantity", "expected"),
    [
        ("UNSPECIFIED", None, True),
        ("IN_STOCK", None, True),
        ("IN_STOCK", 3, True),
        ("IN_STOCK", 0, False),
        ("UNSPECIFIED", 0, False),
        ("OUT_OF_STOCK", 3, False),
        ("PREORDER", 0, True),
    ],
)
def test_in_stock(availability: str, quantity: int | None, expected: bool) -> None:
    number = product_pb2.Availability.Value(f"AVAILABILITY_{availability}")
    assert in_stock(product_pb2.Product(availability=number, available_quantity=quantity)) is expected
