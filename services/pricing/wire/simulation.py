"""What to try to the domain, and what it would have brought to messages."""

from aisle.pricing.v1 import pricing_pb2 as pb
from aisle.pricing.v1 import simulation_pb2

from services.kit.errors import ServiceError
from services.pricing.domain.demand.whatif import Figure, Outcome
from services.pricing.domain.errors import InvalidValue, TooManyItems
from services.pricing.domain.policies import Policies
from services.pricing.domain.ports import Simulated
from services.pricing.domain.trial import MOST_TRIED, MOST_WEEKS, USUAL_WEEKS, Trial, change
from services.pricing.wire.common import from_time, to_finite, to_market, to_scope
from services.pricing.wire.policies import to_policy


def to_trial(request: pb.SimulatePolicyRequest) -> Trial:
    """What to try. Raises ServiceError, InvalidValue, MixedCurrencies, TooManyItems."""
    market = to_market(request.market)
    if not request.changes and not request.policies:
        raise ServiceError("REQUIRED", "changes or policies are required", field="changes")
    for field in ("changes", "policies"):
        if len(getattr(request, field)) > MOST_TRIED:
            raise TooManyItems(f"at most {MOST_TRIED} {field}", field=field)
    if request.week_count < 0:
        raise InvalidValue("week_count must not be negative", field="week_count")
    changes = []
    for place, told in enumerate(request.changes):
        field = f"changes[{place}]"
        kind, scope = to_scope(told.WhichOneof("scope"), told.product_id, told.category, f"{field}.")
        changes.append(change(kind, scope, to_finite(told.share, f"{field}.share"), field))
    policies = [to_policy(told) for told in request.policies]
    if any(policy.market != market for policy in policies):
        raise InvalidValue("a policy to try is of another market", field="policies.market")
    weeks = min(request.week_count or USUAL_WEEKS, MOST_WEEKS)
    return Trial(market, changes, Policies(policies), weeks)


def from_simulated(found: Simulated) -> simulation_pb2.SimulatePolicyResponse:
    """What the prices would have brought."""
    return simulation_pb2.SimulatePolicyResponse(
        model_version=found.model,
        week_count=found.weeks,
        start_time=from_time(found.start),
        end_time=from_time(found.end),
        currency_code=found.currency,
        total=_outcome(found.total),
        categories=map(_outcome, found.categories),
    )


def _outcome(one: Outcome) -> simulation_pb2.SimulatedOutcome:
    return simulation_pb2.SimulatedOutcome(
        category=one.category,
        product_count=one.products,
        changed_count=one.changed,
        uncosted_count=one.uncosted,
        units=_figure(one.units),
        revenue=_figure(one.revenue),
        margin=_figure(one.margin) if one.margin else None,
        weekly_revenue=map(_figure, one.weeks),
    )


def _figure(one: Figure) -> simulation_pb2.SimulatedFigure:
    return simulation_pb2.SimulatedFigure(**one._asdict())
