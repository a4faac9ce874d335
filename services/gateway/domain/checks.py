"""The checks that products, events and requests share; each raises Refused with the field it was given."""

import re
from collections.abc import Iterable, Sized

from services.gateway.domain import limits
from services.gateway.domain.errors import Refused
from services.gateway.domain.model import Filter, Money, Shopper

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_CURRENCY = re.compile("[A-Z]{3}")


def size_of(text: str) -> int:
    """Bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def check_size(text: str, most: int, field: str) -> None:
    """TOO_LARGE past `most` bytes."""
    if len(text) > most or size_of(text) > most:
        raise Refused("TOO_LARGE", f"{field} must have at most {most} bytes", field=field)


def check_optional_id(value: str, field: str) -> None:
    """TOO_LARGE past 128 bytes; INVALID_VALUE with a control character."""
    check_size(value, limits.ID, field)
    if _CONTROL.search(value):
        raise Refused("INVALID_VALUE", f"{field} must not have control characters", field=field)


def check_id(value: str, field: str) -> None:
    """As check_optional_id, and REQUIRED when empty."""
    if not value:
        raise Refused("REQUIRED", f"{field} is required", field=field)
    check_optional_id(value, field)


def check_count(items: Sized, most: int, field: str, reason: str = "TOO_MANY_ITEMS") -> None:
    """Refuses a list of more than `most` items."""
    if len(items) > most:
        raise Refused(reason, f"{field} must have at most {most} items, not {len(items)}", field=field)


def check_money(money: Money, field: str) -> None:
    """INVALID_VALUE for what is no ISO 4217 code, or for less than nothing."""
    if not _CURRENCY.fullmatch(money.currency):
        name = f"{field}.currency_code"
        raise Refused("INVALID_VALUE", f"{name} must be three capital letters", field=name)
    if money.micros < 0:
        name = f"{field}.amount_micros"
        raise Refused("INVALID_VALUE", f"{name} must not be negative", field=name)


def check_one_currency(amounts: Iterable[Money | None], field: str) -> None:
    """MIXED_CURRENCIES when the amounts that are set have more than one."""
    if len({amount.currency for amount in amounts if amount}) > 1:
        raise Refused("MIXED_CURRENCIES", f"{field} must be of the same currency", field=field)


def check_shopper(shopper: Shopper) -> None:
    """Checks the three ids and the segment, which may be empty."""
    check_optional_id(shopper.visitor_id, "shopper.visitor_id")
    check_optional_id(shopper.user_id, "shopper.user_id")
    check_optional_id(shopper.session_id, "shopper.session_id")
    check_optional_id(shopper.segment, "shopper.segment")


def check_filter(wanted: Filter) -> None:
    """Checks the price range of a filter."""
    for name, amount in (("min_price", wanted.min_price), ("max_price", wanted.max_price)):
        if amount:
            check_money(amount, f"filter.{name}")
    check_one_currency((wanted.min_price, wanted.max_price), "filter.max_price.currency_code")


def coerced(page_size: int, usual: int, most: int) -> int:
    """A page size within bounds: the usual one for 0 and less, the most for more."""
    return min(page_size, most) if page_size > 0 else usual
