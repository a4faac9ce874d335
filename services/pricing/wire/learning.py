"""What was seen at each price to the domain, and the next prices to messages."""

from aisle.pricing.v1 import learning_pb2 as pb

from services.kit.errors import ServiceError
from services.kit.ids import check_id
from services.pricing.domain.errors import InvalidValue, MixedCurrencies, TooManyItems
from services.pricing.domain.learning.stopping import StopRule
from services.pricing.domain.limits import MAX_AMOUNT
from services.pricing.domain.ports import Learning, Learnt, Offers, Remaining
from services.pricing.wire.common import (
    from_money,
    to_actor,
    to_finite,
    to_market,
    to_money,
    to_product_id,
    to_text,
)

MOST_PRODUCTS = 100
LEAST_PRICES, MOST_PRICES = 2, 20
MOST_EXPLORATION = 0.2
MOST_REQUEST_ID = 100


def to_learning(request: pb.LearnPricesRequest) -> Learning:
    """What to learn from. Raises ServiceError, InvalidValue, MixedCurrencies, TooManyItems."""
    if not request.products:
        raise ServiceError("REQUIRED", "products are required", field="products")
    if len(request.products) > MOST_PRODUCTS:
        raise TooManyItems(f"at most {MOST_PRODUCTS} products", field="products")
    if not request.request_id:
        raise ServiceError("REQUIRED", "request_id is required", field="request_id")
    check_id(to_text(request.request_id, "request_id", MOST_REQUEST_ID), "request_id")
    products = [_offers(one, f"products[{place}]") for place, one in enumerate(request.products)]
    if len({one.product_id for one in products}) < len(products):
        raise InvalidValue("a product stands there twice", field="products.product_id")
    if not 0 <= request.exploration <= MOST_EXPLORATION:
        raise InvalidValue(f"exploration must be 0 to {MOST_EXPLORATION}", field="exploration")
    proposer = to_actor(request.proposer, "proposer")
    market, rule = to_market(request.market), _rule(request.stop)
    return Learning(market, products, proposer, request.request_id, request.exploration, rule)


def _rule(message: pb.LearningStop) -> StopRule:
    told = {}
    for name in ("loss", "within", "chance"):
        value = to_finite(getattr(message, name), f"stop.{name}")
        if not 0 <= value < 1:
            raise InvalidValue(f"{name} must be 0 to under 1", field=f"stop.{name}")
        if value:
            told[name] = value
    return StopRule(**told)


def _offers(message: pb.LearningProduct, field: str) -> Offers:
    if not LEAST_PRICES <= len(message.prices) <= MOST_PRICES:
        text = f"{LEAST_PRICES} to {MOST_PRICES} prices are needed"
        raise InvalidValue(text, field=f"{field}.prices")
    money = [to_money(one.price, f"{field}.prices.price") for one in message.prices]
    if len({one.currency for one in money}) > 1:
        raise MixedCurrencies("the prices are of several currencies", field=f"{field}.prices")
    prices = [one.micros for one in money]
    if prices != sorted(set(prices)):
        raise InvalidValue("each price must be higher than the one before", field=f"{field}.prices")
    for one in message.prices:
        if not 0 <= one.sold_count <= one.offered_count:
            text = "sold_count must be 0 to offered_count"
            raise InvalidValue(text, field=f"{field}.prices.sold_count")
    return Offers(
        to_product_id(message.product_id, f"{field}.product_id"),
        money[0].currency,
        prices,
        [one.offered_count for one in message.prices],
        [one.sold_count for one in message.prices],
        _remaining(message.stock, money[0].currency, field) if message.HasField("stock") else None,
    )


def _remaining(message: pb.LearningStock, currency: str, field: str) -> Remaining:
    pieces = message.pieces if message.HasField("pieces") else None
    if message.shopper_count <= 0 or (pieces is not None and pieces < 0):
        text = "shopper_count must be over 0, pieces not below it"
        raise InvalidValue(text, field=f"{field}.stock")
    salvage = message.salvage
    if message.HasField("salvage") and salvage.currency_code != currency:
        raise MixedCurrencies("the salvage is of another currency", field=f"{field}.stock.salvage")
    if abs(salvage.amount_micros) > MAX_AMOUNT:
        raise InvalidValue("salvage is too large", field=f"{field}.stock.salvage")
    return Remaining(pieces, message.shopper_count, salvage.amount_micros)


def from_learnt(found: list[Learnt]) -> pb.LearnPricesResponse:
    """The next prices."""
    return pb.LearnPricesResponse(products=map(_learnt, found))


def _learnt(one: Learnt) -> pb.LearntPrice:
    offers, choice = one.offers, one.choice
    message = pb.LearntPrice(product_id=offers.product_id, reason=one.reason, kept=one.kept)
    if choice is None:
        return message
    money = [from_money(offers.currency, price) for price in offers.prices]
    message.price.CopyFrom(money[choice.price])
    message.propensity = choice.propensities[choice.price]
    message.stopped, message.expected_loss, message.near_chance = choice.stopped, choice.loss, choice.chance
    for price, propensity, demand in zip(money, choice.propensities, choice.demand, strict=True):
        message.chances.add(price=price, propensity=propensity, demand=demand)
    if one.proposal:
        message.proposal_id = str(one.proposal.number)
    return message
