"""Money as people read it."""

import pytest

from services.kit.errors import ServiceError
from services.kit.money import check_currency, format_money, one_currency


@pytest.mark.parametrize(
    ("currency", "micros", "text"),
    [
        ("USD", 3_990_000, "$3.99"),
        ("USD", 0, "$0.00"),
        ("USD", -3_990_000, "-$3.99"),
        ("EUR", 1_250_000_000, "€1,250.00"),
        ("GBP", 5_000, "£0.01"),
        ("USD", 4_999, "$0.00"),
        ("USD", -4_999, "$0.00"),
        ("JPY", 399_500_000, "¥400"),
        ("KWD", 1_234_000, "KWD 1.234"),
        ("CHF", 3_990_000, "CHF 3.99"),
        ("", 3_990_000, "3.99"),
    ],
)
def test_an_amount_is_written_as_people_read_it(currency, micros, text):
    assert format_money(currency, micros) == text


def test_one_currency():
    assert one_currency(["USD", "", "USD"], "price") == "USD"
    assert one_currency([], "price") == ""
    with pytest.raises(ServiceError, match="EUR, USD") as caught:
        one_currency(["USD", "EUR"], "price")
    assert (caught.value.reason, caught.value.field) == ("MIXED_CURRENCIES", "price")


@pytest.mark.parametrize(
    ("code", "reason"),
    [("", "REQUIRED"), ("usd", "INVALID_VALUE"), ("USDX", "INVALID_VALUE"), ("US\n", "INVALID_VALUE")],
)
def test_a_bad_currency_code_is_refused(code, reason):
    with pytest.raises(ServiceError) as caught:
        check_currency(code, "price.currency_code")
    assert caught.value.reason == reason
    check_currency("USD", "price.currency_code")
