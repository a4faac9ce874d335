"""Messages to the domain's objects, and back. Pure."""

import base64
import binascii
import math
import zlib

from aisle.catalog.v1 import money_pb2
from aisle.pricing.v1 import pricing_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.errors import ServiceError
from services.kit.ids import check_id
from services.kit.money import check_currency
from services.pricing.domain import words
from services.pricing.domain.account import Entry
from services.pricing.domain.audit import Audit
from services.pricing.domain.errors import InvalidPageToken, InvalidValue, TooManyItems
from services.pricing.domain.limits import (
    DEFAULT_MARKET,
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    MAX_QUOTED,
    MICROS,
)
from services.pricing.domain.pipeline import Rule
from services.pricing.domain.policy import Kind, Policy, bounds, category_path, daily_step, endings, margin
from services.pricing.domain.ports import Story
from services.pricing.domain.product import Basis
from services.pricing.domain.quotes import Quote

_BASES = {basis: pb.PriceBasis.values()[basis] for basis in Basis}
_RULES = {rule: pb.PriceRule.values()[rule] for rule in Rule}


def to_market(text: str, field: str = "market") -> str:
    """The market, "default" for none. Raises ServiceError."""
    if text:
        check_id(text, field)
    return text or DEFAULT_MARKET


def to_product_id(text: str, field: str = "product_id") -> str:
    """A product id. Raises ServiceError."""
    check_id(text, field)
    return text


def to_product_ids(request: pb.QuotePricesRequest) -> list[str]:
    """The products to quote. Raises TooManyItems, ServiceError."""
    if len(request.product_ids) > MAX_QUOTED:
        raise TooManyItems(f"at most {MAX_QUOTED} products", field="product_ids")
    return [to_product_id(product_id, "product_ids") for product_id in request.product_ids]


def to_policy(message: pb.PricingPolicy) -> Policy:
    """A policy to set. Raises ServiceError, InvalidValue, MixedCurrencies, TooManyItems."""
    kind: Kind = "market"
    scope = ""
    if message.WhichOneof("scope") == "product_id":
        kind, scope = "product", to_product_id(message.product_id, "policy.product_id")
    elif message.WhichOneof("scope") == "category":
        kind, scope = "category", category_path(message.category)
    floor = _bound(message.floor, "policy.floor") if message.HasField("floor") else None
    ceiling = _bound(message.ceiling, "policy.ceiling") if message.HasField("ceiling") else None
    return Policy(
        market=to_market(message.market, "policy.market"),
        kind=kind,
        scope=scope,
        min_margin=margin(_finite(message.min_margin, "policy.min_margin"), "policy.min_margin"),
        currency=bounds(floor, ceiling),
        floor=floor[1] if floor else None,
        ceiling=ceiling[1] if ceiling else None,
        endings=endings(message.endings_micros),
        max_daily_step=daily_step(message.max_daily_step, "policy.max_daily_step"),
    )


def _bound(money: money_pb2.Money, field: str) -> tuple[str, int]:
    check_currency(money.currency_code, f"{field}.currency_code")
    return money.currency_code, money.amount_micros


def _finite(value: float, field: str) -> float:
    if not math.isfinite(value):
        raise InvalidValue(f"{field} must be a number", field=field)
    return value


def from_policy(policy: Policy) -> pb.PricingPolicy:
    """A policy as it stands."""
    message = pb.PricingPolicy(
        market=policy.market,
        min_margin=policy.min_margin / MICROS,
        endings_micros=policy.endings,
        max_daily_step=policy.max_daily_step / MICROS,
        update_time=from_time(policy.update_time),
    )
    if policy.kind == "product":
        message.product_id = policy.scope
    elif policy.kind == "category":
        message.category = policy.scope
    if policy.floor is not None:
        message.floor.CopyFrom(from_money(policy.currency, policy.floor))
    if policy.ceiling is not None:
        message.ceiling.CopyFrom(from_money(policy.currency, policy.ceiling))
    return message


def from_quote(quote: Quote) -> pb.Quote:
    """A quote."""
    message = pb.Quote(
        product_id=quote.product_id,
        price=from_money(quote.currency, quote.price),
        discount_percent=quote.discount_percent,
        basis=_BASES[quote.basis],
        reason=words.reason(quote.rule, quote.basis),
    )
    if quote.list_price is not None:
        message.list_price.CopyFrom(from_money(quote.currency, quote.list_price))
    if quote.lowest is not None:
        message.lowest_price_30_days.CopyFrom(from_money(quote.currency, quote.lowest))
    return message


def from_story(story: Story) -> tuple[list[pb.PriceStep], pb.PricingPolicy | None]:
    """The steps to a price, and the policy that applied."""
    state = story.state
    steps = [
        pb.PriceStep(
            rule=_RULES[move.rule],
            before=from_money(state.currency, move.before),
            after=from_money(state.currency, move.after),
            text=words.step(move, state.basis, story.cost, story.policy, state.day_ago),
        )
        for move in story.moves
    ]
    return steps, from_policy(story.policy) if story.policy else None


def from_entry(entry: Entry) -> pb.PriceHistoryEntry:
    """A ledger entry."""
    return pb.PriceHistoryEntry(
        price=from_money(entry.currency, entry.price),
        effective_time=from_time(entry.time),
        basis=_BASES[entry.basis],
        reason=words.reason(entry.rule, entry.basis),
        previous_price=_money_or_none(entry.currency, entry.previous),
        audit=from_audit(entry.currency, entry.audit) if entry.audit else None,
    )


def from_audit(currency: str, audit: Audit) -> pb.PriceAudit:
    """What a price was made from."""
    return pb.PriceAudit(
        base=from_money(currency, audit.base),
        cost=_money_or_none(currency, audit.cost),
        price_a_day_ago=_money_or_none(currency, audit.day_ago),
        policy=audit.policy,
        policy_update_time=None if audit.policy_time is None else from_time(audit.policy_time),
    )


def _money_or_none(currency: str, micros: int | None) -> money_pb2.Money | None:
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


def to_page_token(market: str, product_id: str, entry: Entry) -> str:
    """The token of the page after an entry; only good for the same product and market."""
    return base64.urlsafe_b64encode(f"{entry.number}.{_check(market, product_id)}".encode()).decode()


def from_page_token(market: str, product_id: str, token: str) -> int | None:
    """The number that the page lies below, None for the first page. Raises InvalidPageToken."""
    if not token:
        return None
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode("ascii")
        number, check = text.split(".")
        if int(check) == _check(market, product_id) and number.isdecimal() and len(number) < 19:
            return int(number)
    except (binascii.Error, ValueError, ServiceError):
        pass
    message = "the page token was not made for this product and market"
    raise InvalidPageToken(message, field="page_token") from None


def _check(market: str, product_id: str) -> int:
    return zlib.crc32(f"{market}\0{product_id}".encode())
