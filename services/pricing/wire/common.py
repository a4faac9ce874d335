"""What all messages share: ids, texts, amounts, times and page tokens."""

import base64
import binascii
import math
import zlib
from collections.abc import Sequence

from aisle.catalog.v1 import money_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.errors import ServiceError
from services.kit.ids import check_id
from services.kit.money import check_currency
from services.pricing.domain.errors import InvalidPageToken, InvalidValue
from services.pricing.domain.limits import (
    DEFAULT_MARKET,
    DEFAULT_PAGE_SIZE,
    MAX_AMOUNT,
    MAX_NAME_BYTES,
    MAX_NOTE_BYTES,
    MAX_PAGE_SIZE,
    MICROS,
)
from services.pricing.domain.policy import Kind, category_path
from services.pricing.domain.product import Money


def to_market(text: str, field: str = "market") -> str:
    """The market, "default" for none. Raises ServiceError."""
    if text:
        check_id(text, field)
    return text or DEFAULT_MARKET


def to_product_id(text: str, field: str = "product_id") -> str:
    """A product id. Raises ServiceError."""
    check_id(text, field)
    return text


def to_scope(scope: str | None, product_id: str, category: str, field: str) -> tuple[Kind, str]:
    """What a policy or a stop is for. Raises ServiceError, InvalidValue."""
    if scope == "product_id":
        return "product", to_product_id(product_id, f"{field}product_id")
    if scope == "category":
        return "category", category_path(category, f"{field}category")
    return "market", ""


def to_actor(text: str, field: str) -> str:
    """Who does something. Raises ServiceError: REQUIRED, TOO_LARGE."""
    if not text:
        raise ServiceError("REQUIRED", f"{field} is required", field=field)
    return to_text(text, field, MAX_NAME_BYTES)


def to_note(text: str, field: str) -> str:
    """What somebody says about it. Raises ServiceError TOO_LARGE."""
    return to_text(text, field, MAX_NOTE_BYTES)


def to_text(text: str, field: str, most: int) -> str:
    """A text of so many bytes. Raises ServiceError TOO_LARGE."""
    if len(text.encode()) > most:
        raise ServiceError("TOO_LARGE", f"{field} is larger than {most} bytes", field=field)
    return text


def to_finite(value: float, field: str) -> float:
    """A number. Raises InvalidValue for NaN and infinities."""
    if not math.isfinite(value):
        raise InvalidValue(f"{field} must be a number", field=field)
    return value


def to_money(money: money_pb2.Money, field: str) -> Money:
    """An amount over 0. Raises ServiceError, InvalidValue."""
    check_currency(money.currency_code, f"{field}.currency_code")
    if not 0 < money.amount_micros <= MAX_AMOUNT:
        message = f"{field} must be over 0, to {MAX_AMOUNT // MICROS} units"
        raise InvalidValue(message, field=f"{field}.amount_micros")
    return Money(money.currency_code, money.amount_micros)


def from_amount(currency: str, micros: int | None) -> money_pb2.Money | None:
    """Money; None for an amount that is not known."""
    return None if micros is None else from_money(currency, micros)


def from_money(currency: str, micros: int) -> money_pb2.Money:
    """Money."""
    return money_pb2.Money(currency_code=currency, amount_micros=micros)


def from_time(micros: int) -> Timestamp:
    """A time."""
    seconds, rest = divmod(micros, 1_000_000)
    return Timestamp(seconds=seconds, nanos=rest * 1_000)


def to_page_size(size: int) -> int:
    """The page size, coerced. Raises InvalidValue when negative."""
    if size < 0:
        raise InvalidValue("page_size must not be negative", field="page_size")
    return min(size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def to_page_token(number: int, *request: str) -> str:
    """The token of the page after what has this number; only good for the same request."""
    return base64.urlsafe_b64encode(f"{number}.{_check(request)}".encode()).decode()


def from_page_token(token: str, *request: str) -> int | None:
    """The number that the page lies below, None for the first page. Raises InvalidPageToken."""
    if not token:
        return None
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode("ascii")
        number, check = text.split(".")
        if int(check) == _check(request) and number.isdecimal() and len(number) < 19:
            return int(number)
    except (binascii.Error, ValueError, ServiceError):
        pass
    message = "the page token was not made for this request"
    raise InvalidPageToken(message, field="page_token") from None


def _check(request: Sequence[str]) -> int:
    return zlib.crc32("\0".join(request).encode())
