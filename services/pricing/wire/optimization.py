"""Goals, and what to optimise, to the domain; better prices to messages."""

from aisle.pricing.v1 import curve_pb2
from aisle.pricing.v1 import optimization_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.ids import check_id
from services.pricing.domain.errors import InvalidValue, TooManyItems
from services.pricing.domain.limits import MAX_NAME_BYTES, MICROS
from services.pricing.domain.optimiser.goals import (
    DEFAULT_STEP,
    LARGEST_GAP,
    LARGEST_STEP,
    Goals,
    Ladder,
    Objective,
    checked,
    ladder,
    objective,
)
from services.pricing.domain.optimiser.optimise import Change
from services.pricing.domain.policy import category_path, share
from services.pricing.domain.ports import Described, Optimised, Wanted
from services.pricing.domain.proposal import Interval
from services.pricing.wire.common import (
    from_amount,
    from_money,
    from_time,
    to_actor,
    to_finite,
    to_market,
    to_product_id,
    to_text,
)

MOST_PRODUCTS = 10_000
MOST_REQUEST_ID = 100


def to_goals(message: pb.PricingGoals) -> Goals:
    """A policy's goals. Raises ServiceError, InvalidValue, TooManyItems."""
    field = "policy.goals"
    loss = _share(message, "max_margin_loss", MICROS) if message.HasField("max_margin_loss") else None
    return checked(
        Goals(
            objective=objective(message.objective, f"{field}.objective"),
            clear_until=to_time(message.clear_until),
            max_step=_share(message, "max_step", LARGEST_STEP) or DEFAULT_STEP,
            stock_weeks=message.stock_weeks,
            ignore_sizes=message.ignore_sizes,
            ladders=tuple(_ladder(told, f"{field}.ladders") for told in message.ladders),
            max_mean_change=_share(message, "max_mean_change", MICROS),
            max_margin_loss=loss,
            announcement_value=_share(message, "announcement_value", 100 * MICROS),
            keep_reference_until=to_time(message.keep_reference_until),
        ),
        field,
    )


def _share(message: pb.PricingGoals, name: str, most: int) -> int:
    field = f"policy.goals.{name}"
    return share(to_finite(getattr(message, name), field), field, most=most)


def to_time(message: Timestamp) -> int:
    """A time in microseconds, 0 for none."""
    return message.seconds * MICROS + message.nanos // 1_000


def _ladder(message: pb.BrandLadder, field: str) -> Ladder:
    premium, value = (
        to_text(text, field, MAX_NAME_BYTES) for text in (message.premium_brand, message.value_brand)
    )
    gap = share(to_finite(message.min_gap, f"{field}.min_gap"), f"{field}.min_gap", most=LARGEST_GAP)
    return ladder(premium, value, gap, field)


def from_goals(goals: Goals) -> pb.PricingGoals:
    """A policy's goals as they stand."""
    message = pb.PricingGoals(
        objective=pb.PricingObjective.values()[goals.objective],
        max_step=goals.max_step / MICROS,
        stock_weeks=goals.stock_weeks,
        ignore_sizes=goals.ignore_sizes,
        ladders=[
            pb.BrandLadder(premium_brand=premium, value_brand=value, min_gap=gap / MICROS)
            for premium, value, gap in goals.ladders
        ],
        max_mean_change=goals.max_mean_change / MICROS,
        max_margin_loss=None if goals.max_margin_loss is None else goals.max_margin_loss / MICROS,
        announcement_value=goals.announcement_value / MICROS,
    )
    for name in ("clear_until", "keep_reference_until"):
        if time := getattr(goals, name):
            getattr(message, name).CopyFrom(from_time(time))
    return message


def to_wanted(request: pb.OptimizePricesRequest) -> Wanted:
    """What to optimise. Raises ServiceError, InvalidValue, TooManyItems."""
    product_ids, category = to_products(request)
    aim = objective(request.objective, "objective") if request.objective else None
    if aim is Objective.CLEARANCE:
        raise InvalidValue("clearance needs a policy that says until when", field="objective")
    if request.request_id:
        check_id(to_text(request.request_id, "request_id", MOST_REQUEST_ID), "request_id")
    if request.proposer and not request.propose:
        raise InvalidValue("nothing is proposed without propose", field="proposer")
    return Wanted(
        market=to_market(request.market),
        product_ids=product_ids,
        category=category,
        objective=aim,
        proposer=to_actor(request.proposer, "proposer") if request.propose else "",
        request_id=request.request_id,
    )


def to_products(request: pb.OptimizePricesRequest | pb.PlanPromotionsRequest) -> tuple[list[str], str]:
    """The products and the category that are asked for. Raises ServiceError, InvalidValue, TooManyItems."""
    if len(request.product_ids) > MOST_PRODUCTS:
        raise TooManyItems(f"at most {MOST_PRODUCTS} products", field="product_ids")
    ids = {to_product_id(product_id, "product_ids") for product_id in request.product_ids}
    return sorted(ids), category_path(request.category, "category") if request.category else ""


def from_optimised(found: Optimised) -> pb.OptimizePricesResponse:
    """Better prices."""
    plan = found.plan
    message = pb.OptimizePricesResponse(
        model_version=found.model,
        considered_count=len(plan.changes) + len(plan.kept),
        kept=[pb.UnoptimizedProduct(product_id=one, reason=reason) for one, reason in plan.kept],
        skipped=[pb.UnoptimizedProduct(product_id=one, reason=reason) for one, reason in plan.skipped],
        units=from_change(plan.units),
        revenue=from_change(plan.revenue),
        margin=from_change(plan.margin),
        gap=plan.gap,
    )
    for change in plan.changes:
        made = message.prices.add()
        made.CopyFrom(_price(change))
        if proposal := found.proposals.get(change.item.product_id):
            made.proposal_id = str(proposal.number)
            made.old_price.CopyFrom(from_money(proposal.currency, proposal.old))
            made.new_price.CopyFrom(from_money(proposal.currency, proposal.new))
    return message


def _price(change: Change) -> pb.OptimizedPrice:
    item, response = change.item, change.item.response
    return pb.OptimizedPrice(
        product_id=item.product_id,
        old_price=from_money(response.currency, item.price),
        new_price=from_money(response.currency, change.price),
        elasticity=response.elasticity,
        elasticity_error=response.elasticity_error,
        prior_only=response.prior_only,
        units=from_change(change.units),
        revenue=from_change(change.revenue),
        margin=from_change(change.margin) if change.margin else None,
        constraints=change.constraints,
    )


def from_change(change: Interval) -> pb.ExpectedChange:
    """An expected change."""
    return pb.ExpectedChange(value=change.value, low=change.low, high=change.high)


def from_described(found: Described) -> curve_pb2.DescribeDemandResponse:
    """What is known of a product's demand."""
    item, response = found.curve.item, found.curve.item.response
    currency = response.currency
    return curve_pb2.DescribeDemandResponse(
        model_version=found.model,
        elasticity=response.elasticity,
        elasticity_error=response.elasticity_error,
        prior_only=response.prior_only,
        price=from_money(currency, item.price),
        lowest_price=from_money(currency, item.trusted[0]),
        highest_price=from_money(currency, item.trusted[1]),
        best_price=from_amount(currency, found.curve.best),
        objective=pb.PricingObjective.values()[item.goals.objective],
        points=[
            curve_pb2.DemandPoint(
                price=from_money(currency, one.price),
                units=from_change(one.units),
                revenue=from_change(one.revenue),
                margin=from_change(one.margin) if one.margin else None,
            )
            for one in found.curve.points
        ],
        weeks=[
            curve_pb2.DemandWeek(
                start_time=from_time(start), price=from_money(currency, round(price * MICROS)), units=units
            )
            for start, price, units in found.weeks
        ],
    )
