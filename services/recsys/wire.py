"""Between recsys.v1 messages and the domain: nothing is decided here but what a request may look like."""

from collections.abc import Sequence

from aisle.catalog.v1 import product_pb2
from aisle.recsys.v1 import recsys_pb2

from services.kit.ids import check_id
from services.recsys.domain.context import Asked
from services.recsys.domain.errors import MissingError, RequestError, TooManyError
from services.recsys.domain.filters import Filter, one_currency
from services.recsys.domain.placements import Placement
from services.recsys.domain.recommend import Recommended
from services.recsys.domain.rerank import Adjustments, Boost, Cap, CapKey
from services.recsys.domain.signals import shopper_keys

MAX_IDS = 1000
"""The longest list of product ids in a request."""

DEFAULT_PAGE, MAX_PAGE = 24, 200

_PLACEMENTS: dict[int, Placement] = {
    recsys_pb2.Placement.Value(f"PLACEMENT_{place.name}"): place for place in Placement
}

_CAP_KEYS: dict[int, CapKey] = {recsys_pb2.CapKey.Value(f"CAP_KEY_{key.name}"): key for key in CapKey}


def placement_of(value: int) -> Placement:
    """Raises MissingError for none and RequestError for one that the proto does not know."""
    if value == recsys_pb2.PLACEMENT_UNSPECIFIED:
        raise MissingError("placement is required", "placement")
    if value not in _PLACEMENTS:
        raise RequestError(f"there is no placement {value}", "placement")
    return _PLACEMENTS[value]


def shopper_of(message: recsys_pb2.Shopper) -> tuple[str, ...]:
    """The shopper's keys; raises ServiceError for an id that cannot be one."""
    for field in ("visitor_id", "user_id", "session_id", "segment"):
        if value := getattr(message, field):
            check_id(value, f"shopper.{field}")
    return shopper_keys(message.user_id, message.visitor_id)


def asked_of(request: recsys_pb2.RecommendRequest) -> Asked:
    """Who asks and from where. Raises the errors of shopper_of and ids_of."""
    shopper = shopper_of(request.shopper)
    context = ids_of(request.context_product_ids, "context_product_ids")
    return Asked(shopper, request.shopper.session_id, context, request.shopper.segment)


def ids_of(values: Sequence[str], field: str) -> list[str]:
    """Raises TooManyError past MAX_IDS, and ServiceError for an id that cannot be one."""
    if len(values) > MAX_IDS:
        raise TooManyError(f"{field} takes {MAX_IDS} products", field)
    for at, value in enumerate(values):
        check_id(value, f"{field}[{at}]")
    return list(values)


def filter_of(message: product_pb2.ProductFilter) -> Filter:
    """Raises the errors of Filter and of one_currency."""
    low = message.min_price if message.HasField("min_price") else None
    high = message.max_price if message.HasField("max_price") else None
    return Filter(
        tuple(message.categories),
        tuple(message.brands),
        one_currency(low.currency_code if low else None, high.currency_code if high else None),
        low.amount_micros if low else None,
        high.amount_micros if high else None,
        message.in_stock_only,
    )


def wishes_of(message: recsys_pb2.Adjustments) -> Adjustments:
    """Raises the errors of Adjustments and of its parts."""
    boosts = tuple(
        Boost(
            one.strength,
            tuple(ids_of(one.product_ids, f"adjustments.boosts[{at}].product_ids")),
            filter_of(one.filter),
        )
        for at, one in enumerate(message.boosts)
    )
    include = tuple(ids_of(message.include_product_ids, "adjustments.include_product_ids"))
    return Adjustments(
        boosts, tuple(map(_cap_of, message.caps)), message.diversity, message.coverage, include
    )


def _cap_of(message: recsys_pb2.Cap) -> Cap:
    if message.key not in _CAP_KEYS:
        raise MissingError("a cap says what it counts", "adjustments.caps.key")
    return Cap(_CAP_KEYS[message.key], message.most)


def page_of(size: int) -> int:
    """How many products to answer. Raises RequestError for a negative number."""
    if size < 0:
        raise RequestError("page_size is not negative", "page_size")
    return min(size or DEFAULT_PAGE, MAX_PAGE)


def products(recommended: Sequence[Recommended]) -> list[recsys_pb2.RecommendedProduct]:
    """The answer's products."""
    return [
        recsys_pb2.RecommendedProduct(
            product_id=one.product_id,
            score=one.score,
            reason=recsys_pb2.Reason(
                code=recsys_pb2.ReasonCode.Value(f"REASON_CODE_{one.reason.code.value}"),
                text=one.reason.text,
                product_ids=one.reason.product_ids,
            ),
            propensity=one.propensity,
        )
        for one in recommended
    ]
