"""What an id may be."""

import pytest

from services.kit.errors import ServiceError
from services.kit.ids import check_id


@pytest.mark.parametrize("value", ["p-1", "a" * 128, "ä" * 64, "商品-1", "with space", "😀"])
def test_good_ids(value):
    check_id(value, "product.id")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "REQUIRED"),
        ("a" * 129, "TOO_LARGE"),
        ("ä" * 65, "TOO_LARGE"),
        ("x" * 10_000, "TOO_LARGE"),
        ("a\x00b", "INVALID_VALUE"),
        ("a\n", "INVALID_VALUE"),
        ("a\x7f", "INVALID_VALUE"),
        ("a\x85", "INVALID_VALUE"),
        ("a\ud800", "INVALID_VALUE"),
    ],
)
def test_bad_ids_are_refused_with_reason_and_field(value, reason):
    with pytest.raises(ServiceError) as caught:
        check_id(value, "product.id")
    assert (caught.value.reason, caught.value.field) == (reason, "product.id")
