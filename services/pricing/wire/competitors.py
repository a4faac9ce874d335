"""Competitors' prices and the rules that look at them to the domain, and back."""

from collections.abc import Iterable, Sequence

from aisle.catalog.v1 import error_reason_pb2
from aisle.pricing.v1 import competitor_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.errors import ServiceError
from services.pricing.domain.competitor import CompetitorRule, Rival, competitor_rule
from services.pricing.domain.errors import PricingError, TooManyItems
from services.pricing.domain.limits import MAX_NAME_BYTES, MAX_QUOTED, MICROS
from services.pricing.domain.policy import share
from services.pricing.domain.ports import Imported, Seen
from services.pricing.wire.common import to_actor, to_finite, to_money, to_product_id, to_text

Refused = tuple[Seen, PricingError | ServiceError]


def to_seen(request: pb.ImportCompetitorPricesRequest) -> tuple[list[Seen], list[Refused]]:
    """The prices that can be read, and those that cannot. Raises ServiceError, TooManyItems."""
    if not request.prices:
        raise ServiceError("REQUIRED", "prices are required", field="prices")
    if len(request.prices) > MAX_QUOTED:
        raise TooManyItems(f"at most {MAX_QUOTED} prices", field="prices")
    good: list[Seen] = []
    refused: list[Refused] = []
    for place, message in enumerate(request.prices):
        try:
            good.append(_seen(place, message))
        except (PricingError, ServiceError) as error:
            refused.append((Seen(place, message.product_id[:MAX_NAME_BYTES], Rival("", "", 0, 0)), error))
    return good, refused


def _seen(place: int, message: pb.CompetitorPrice) -> Seen:
    product_id = to_product_id(message.product_id)
    competitor = to_actor(message.competitor, "competitor")
    currency, micros = to_money(message.price, "price")
    if not message.HasField("observe_time"):
        raise ServiceError("REQUIRED", "observe_time is required", field="observe_time")
    return Seen(place, product_id, Rival(competitor, currency, micros, _micros(message.observe_time)))


def _micros(message: Timestamp | Duration) -> int:
    return message.seconds * MICROS + message.nanos // 1_000


def from_imported(found: Imported, unread: Sequence[Refused]) -> pb.ImportCompetitorPricesResponse:
    """What became of the prices."""
    refused: Iterable[Refused] = sorted([*found.refused, *unread], key=lambda pair: pair[0].place)
    return pb.ImportCompetitorPricesResponse(
        imported_count=found.imported,
        known_count=found.known,
        refused=[
            pb.RefusedCompetitorPrice(
                index=seen.place,
                product_id=seen.product_id,
                reason=error_reason_pb2.ErrorReason.Value(f"ERROR_REASON_{error.reason}"),
                message=str(error),
                field=error.field,
            )
            for seen, error in refused
        ],
    )


def to_rule(message: pb.CompetitorRule) -> CompetitorRule:
    """A policy's rule. Raises ServiceError, InvalidValue."""
    field = "policy.competitor_rule"
    by = share(to_finite(message.by, f"{field}.by"), f"{field}.by", most=MICROS - 1)
    competitor = to_text(message.competitor, f"{field}.competitor", MAX_NAME_BYTES)
    max_age = _micros(message.max_age) if message.HasField("max_age") else None
    return competitor_rule(message.kind, by, competitor, max_age)


def from_rule(rule: CompetitorRule) -> pb.CompetitorRule:
    """A policy's rule as it stands."""
    seconds, rest = divmod(rule.max_age, MICROS)
    return pb.CompetitorRule(
        kind=pb.CompetitorRuleKind.values()[rule.kind],
        by=rule.by / MICROS,
        competitor=rule.competitor,
        max_age=Duration(seconds=seconds, nanos=rest * 1_000),
    )
