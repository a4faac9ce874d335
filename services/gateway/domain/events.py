"""Which events may be written: the limits of events.v1.Event, in the order of its fields."""

from typing import NamedTuple

from services.gateway.domain import limits
from services.gateway.domain.checks import check_count, check_id, check_money, check_optional_id, check_size
from services.gateway.domain.errors import Refused
from services.gateway.domain.model import Money
from services.gateway.domain.products import FIRST_SECOND, LAST_SECOND

_SEARCHED = 1
_TYPES = range(1, 16)
_WITHOUT_PRODUCTS = frozenset((_SEARCHED, 11, 12, 13))  # searches, promotions and coupons


class DetailDraft(NamedTuple):
    """One product of an event, as it was sent."""

    product_id: str
    quantity: int
    price: Money | None
    position: int


class EventDraft(NamedTuple):
    """An event as it was sent; `seconds` since 1970, None when it has no time."""

    message_id: str
    type: int
    seconds: float | None
    visitor_id: str
    user_id: str
    session_id: str
    details: tuple[DetailDraft, ...]
    search_query: str
    other_ids: tuple[tuple[str, str], ...]  # (field, value) of those that are set
    rating: float
    size: int


def check_event(event: EventDraft, now: float) -> None:
    """Raises Refused for the first thing that is wrong; `now` is the gateway's clock, seconds since 1970."""
    check_id(event.message_id, "message_id")
    if event.size > limits.EVENT:
        raise Refused("TOO_LARGE", f"the event must have at most {limits.EVENT} bytes")
    _check_type(event.type)
    _check_time(event.seconds, now)
    _check_ids(event)
    _check_details(event)
    if event.type == _SEARCHED and not event.search_query:
        raise Refused("REQUIRED", "search_query is required for a search", field="search_query")
    check_size(event.search_query, limits.QUERY, "search_query")
    # Written so that NaN, which compares with nothing, is refused too.
    if event.rating != 0 and not 1 <= event.rating <= 5:
        raise Refused("INVALID_VALUE", "rating must lie between 1 and 5", field="rating")


def _check_type(number: int) -> None:
    if number == 0:
        raise Refused("REQUIRED", "type is required", field="type")
    if number not in _TYPES:
        raise Refused("INVALID_VALUE", "type is none that the proto names", field="type")


def _check_time(seconds: float | None, now: float) -> None:
    field = "event_time"
    if seconds is None:
        raise Refused("REQUIRED", "event_time is required", field=field)
    if not FIRST_SECOND <= seconds <= LAST_SECOND:
        raise Refused("INVALID_VALUE", "event_time must lie in years 1 to 9999", field=field)
    if seconds > now + limits.EVENT_AHEAD:
        raise Refused("EVENT_IN_FUTURE", "event_time lies more than five minutes ahead", field=field)


def _check_ids(event: EventDraft) -> None:
    if not event.visitor_id and not event.user_id:
        raise Refused("REQUIRED", "visitor_id or user_id is required", field="visitor_id")
    check_optional_id(event.visitor_id, "visitor_id")
    check_optional_id(event.user_id, "user_id")
    check_optional_id(event.session_id, "session_id")
    for field, value in event.other_ids:
        check_optional_id(value, field)


def _check_details(event: EventDraft) -> None:
    field = "product_details"
    if not event.details and event.type not in _WITHOUT_PRODUCTS:
        raise Refused("REQUIRED", "product_details is required for this type", field=field)
    check_count(event.details, limits.PRODUCT_DETAILS, field)
    for index, detail in enumerate(event.details):
        try:
            _check_detail(detail)
        except Refused as error:  # the index is put in here: building it for each good line would cost most
            where = f"{field}[{index}].{error.field}"
            raise Refused(error.reason, f"{field}[{index}]: {error}", field=where) from None


def _check_detail(detail: DetailDraft) -> None:
    check_id(detail.product_id, "product_id")
    if detail.quantity < 0:
        raise Refused("INVALID_VALUE", "quantity must not be negative", field="quantity")
    if detail.price:
        check_money(detail.price, "price")
    if detail.position < 0:
        raise Refused("INVALID_VALUE", "position must not be negative", field="position")
