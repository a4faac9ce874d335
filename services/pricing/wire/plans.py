"""What markdowns and promotions are asked for, to the domain; the plans to messages."""

from collections import defaultdict
from collections.abc import Sequence

from aisle.pricing.v1 import optimization_pb2 as pb

from services.kit.errors import ServiceError
from services.kit.ids import check_id
from services.kit.money import check_currency
from services.pricing.domain.demand.crossing import CrossElasticity
from services.pricing.domain.errors import InvalidValue, TooManyItems
from services.pricing.domain.limits import MAX_AMOUNT, MICROS
from services.pricing.domain.optimiser.clearing import DEPTHS, Clearing, depths
from services.pricing.domain.optimiser.gains import WEEK
from services.pricing.domain.optimiser.goals import Objective, objective
from services.pricing.domain.optimiser.markdown import Outcome, Week
from services.pricing.domain.optimiser.promotions import LEAST_APART, Calendar, Cross, Promotion
from services.pricing.domain.policy import share
from services.pricing.domain.ports import Answer, Cleared, Planned, Proposing, Wanted
from services.pricing.wire.common import (
    from_money,
    from_time,
    to_actor,
    to_finite,
    to_market,
    to_product_id,
    to_text,
)
from services.pricing.wire.optimization import MOST_REQUEST_ID, from_change, to_products, to_time

PROMOTED = (100_000, 200_000, 300_000)
MOST_WEEKS, WEEKS = 26, 4
MOST_SLOTS, SLOTS = 200, 10
MOST_CROSS = 100_000
STEEPEST = 10.0


def to_clearing(request: pb.PlanMarkdownRequest) -> Clearing:
    """What a markdown is asked for. Raises ServiceError, InvalidValue, TooManyItems."""
    if not request.HasField("until"):
        raise ServiceError("REQUIRED", "until is required", field="until")
    return Clearing(
        until=to_time(request.until),
        stock=request.stock if request.HasField("stock") else None,
        salvage=_salvage(request),
        currency=request.salvage.currency_code,
        depths=depths([to_finite(depth, "depths") for depth in request.depths], DEPTHS),
    )


def _salvage(request: pb.PlanMarkdownRequest) -> int:
    if not request.HasField("salvage"):
        return 0
    check_currency(request.salvage.currency_code, "salvage.currency_code")
    if abs(request.salvage.amount_micros) > MAX_AMOUNT:
        raise InvalidValue("salvage is too large", field="salvage.amount_micros")
    return request.salvage.amount_micros


def to_proposing(request: pb.PlanMarkdownRequest | pb.PlanPromotionsRequest) -> Proposing | None:
    """Who proposes the plan; None where nothing is to be proposed. Raises ServiceError."""
    if not request.HasField("propose"):
        return None
    told = request.propose
    if not told.plan_id:
        raise ServiceError("REQUIRED", "plan_id is required", field="propose.plan_id")
    check_id(to_text(told.plan_id, "propose.plan_id", MOST_REQUEST_ID), "propose.plan_id")
    return Proposing(to_actor(told.proposer, "propose.proposer"), told.plan_id)


def _proposed(answer: Answer | None) -> pb.PlanProposed | None:
    if answer is None:
        return None
    skipped = [pb.UnoptimizedProduct(product_id=one.product_id, reason=one.reason) for one in answer.skipped]
    return pb.PlanProposed(proposal_ids=[str(one.number) for one in answer.proposals], skipped=skipped)


def from_cleared(cleared: Cleared) -> pb.PlanMarkdownResponse:
    """A plan for a stock."""
    found = cleared.markdown
    currency, compared = found.item.response.currency, found.compared
    return pb.PlanMarkdownResponse(
        model_version=cleared.model,
        proposed=_proposed(cleared.proposed),
        stock=found.stock,
        weeks=[
            _week(currency, start, week, percent)
            for start, week, percent in zip(found.starts, found.weeks, found.percents, strict=True)
        ],
        plan=_outcome(compared.plan),
        keeping=_outcome(compared.keeping),
        single_cut=_outcome(compared.single),
        single_cut_price=from_money(currency, round(compared.single_price * MICROS)),
        single_cut_week=compared.single_week,
        over_keeping=from_change(compared.over_keeping),
        over_single_cut=from_change(compared.over_single),
    )


def _week(currency: str, start: int, week: Week, percent: int) -> pb.MarkdownWeek:
    return pb.MarkdownWeek(
        start_time=from_time(start),
        price=from_money(currency, round(week.price * MICROS)),
        chance=week.chance,
        units_sold=week.sold,
        units_left=week.left,
        revenue=week.revenue,
        steps=[
            pb.MarkdownStep(units_left=left, price=from_money(currency, round(price * MICROS)))
            for left, price in week.steps
        ],
        discount_percent=percent,
    )


def _outcome(found: Outcome) -> pb.MarkdownOutcome:
    return pb.MarkdownOutcome(revenue=from_change(found.revenue), units_left=from_change(found.left))


def to_calendar(request: pb.PlanPromotionsRequest) -> tuple[Wanted, Calendar, int | None, Cross]:
    """What promotions are asked for. Raises ServiceError, InvalidValue, TooManyItems."""
    product_ids, category = to_products(request)
    aim = objective(request.objective, "objective")
    if aim is Objective.CLEARANCE:
        raise InvalidValue("promotions are not for clearance", field="objective")
    calendar = Calendar(
        weeks=_count(request.weeks, "weeks", MOST_WEEKS) or WEEKS,
        slots=_count(request.slots, "slots", MOST_SLOTS) or SLOTS,
        depths=depths([to_finite(depth, "depths") for depth in request.depths], PROMOTED),
        apart=max(LEAST_APART, _count(request.weeks_apart, "weeks_apart", 52)),
        cannibalised=share(
            to_finite(request.cannibalized_share, "cannibalized_share"), "cannibalized_share", most=MICROS
        ),
        lift=share(to_finite(request.lift, "lift"), "lift", most=10 * MICROS) or MICROS,
        objective=aim,
    )
    wanted = Wanted(to_market(request.market), product_ids, category)
    start = to_time(request.start_time) if request.HasField("start_time") else None
    return wanted, calendar, start, _cross(request.cross_elasticities)


def _count(value: int, field: str, most: int) -> int:
    if not 0 <= value <= most:
        raise InvalidValue(f"{field} must be 0 to {most}", field=field)
    return value


def _cross(told: Sequence[pb.CrossElasticity]) -> Cross:
    if len(told) > MOST_CROSS:
        raise TooManyItems(f"at most {MOST_CROSS} cross elasticities", field="cross_elasticities")
    found: dict[str, dict[str, CrossElasticity]] = defaultdict(dict)
    for one in told:
        product_id = to_product_id(one.product_id, "cross_elasticities.product_id")
        other = to_product_id(one.other_product_id, "cross_elasticities.other_product_id")
        if not abs(one.elasticity) <= STEEPEST:  # true for NaN, too
            message = f"an elasticity must be -{STEEPEST:g} to {STEEPEST:g}"
            raise InvalidValue(message, field="cross_elasticities.elasticity")
        found[product_id][other] = CrossElasticity(other, one.elasticity)
    return found


def from_planned(planned: Planned) -> pb.PlanPromotionsResponse:
    """A calendar of promotions."""
    found = planned.promotions
    return pb.PlanPromotionsResponse(
        model_version=planned.model,
        promotions=[_promotion(one, planned.start) for one in found.chosen],
        gain=from_change(found.gain),
        considered_count=found.considered,
        skipped=[pb.UnoptimizedProduct(product_id=one, reason=reason) for one, reason in found.skipped],
        gap=found.gap,
        proposed=_proposed(planned.proposed),
    )


def _promotion(found: Promotion, start: int) -> pb.PlannedPromotion:
    currency = found.item.response.currency
    return pb.PlannedPromotion(
        product_id=found.item.product_id,
        week=found.week,
        start_time=from_time(start + found.week * WEEK),
        old_price=from_money(currency, found.item.price),
        price=from_money(currency, found.price),
        reference_price=from_money(currency, found.reference),
        discount_percent=found.percent,
        units=from_change(found.units),
        revenue=from_change(found.revenue),
        margin=from_change(found.margin) if found.margin else None,
        taken=from_change(found.taken),
    )
