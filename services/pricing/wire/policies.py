"""Policies and stops to messages, and back."""

from aisle.catalog.v1 import money_pb2
from aisle.pricing.v1 import pricing_pb2 as pb

from services.kit.errors import ServiceError
from services.kit.money import check_currency
from services.pricing.domain.errors import InvalidValue
from services.pricing.domain.limits import MAX_NAME_BYTES, MICROS
from services.pricing.domain.policies import Key
from services.pricing.domain.policy import Mode, Policy, bounds, daily_step, endings, margin
from services.pricing.domain.terms import Stop
from services.pricing.wire import competitors, optimization
from services.pricing.wire.common import (
    from_money,
    from_time,
    to_actor,
    to_finite,
    to_market,
    to_note,
    to_scope,
    to_text,
)


def to_policy(message: pb.PricingPolicy) -> Policy:
    """A policy to set. Raises ServiceError, InvalidValue, MixedCurrencies, TooManyItems."""
    kind, scope = to_scope(message.WhichOneof("scope"), message.product_id, message.category, "policy.")
    floor = _bound(message.floor, "policy.floor") if message.HasField("floor") else None
    ceiling = _bound(message.ceiling, "policy.ceiling") if message.HasField("ceiling") else None
    return Policy(
        market=to_market(message.market, "policy.market"),
        kind=kind,
        scope=scope,
        min_margin=margin(to_finite(message.min_margin, "policy.min_margin"), "policy.min_margin"),
        currency=bounds(floor, ceiling),
        floor=floor[1] if floor else None,
        ceiling=ceiling[1] if ceiling else None,
        endings=endings(message.endings_micros),
        max_daily_step=daily_step(message.max_daily_step, "policy.max_daily_step"),
        mode=_mode(message.mode),
        competitor=competitors.to_rule(message.competitor_rule)
        if message.HasField("competitor_rule")
        else None,
        goals=optimization.to_goals(message.goals) if message.HasField("goals") else None,
    )


def _bound(money: money_pb2.Money, field: str) -> tuple[str, int]:
    check_currency(money.currency_code, f"{field}.currency_code")
    return money.currency_code, money.amount_micros


def _mode(value: int) -> Mode:
    if not value:
        return Mode.RULES
    try:
        return Mode(value)
    except ValueError:
        raise InvalidValue("no mode has this number", field="policy.mode") from None


def from_policy(policy: Policy) -> pb.PricingPolicy:
    """A policy as it stands."""
    message = pb.PricingPolicy(
        market=policy.market,
        min_margin=policy.min_margin / MICROS,
        endings_micros=policy.endings,
        max_daily_step=policy.max_daily_step / MICROS,
        update_time=from_time(policy.update_time),
        mode=pb.PricingMode.values()[policy.mode],
    )
    _scope(message, policy.kind, policy.scope)
    if policy.floor is not None:
        message.floor.CopyFrom(from_money(policy.currency, policy.floor))
    if policy.ceiling is not None:
        message.ceiling.CopyFrom(from_money(policy.currency, policy.ceiling))
    if policy.competitor:
        message.competitor_rule.CopyFrom(competitors.from_rule(policy.competitor))
    if policy.goals:
        message.goals.CopyFrom(optimization.from_goals(policy.goals))
    return message


def to_policy_actor(request: pb.SetPricingPolicyRequest) -> str:
    """Who sets a policy; may be empty. Raises ServiceError."""
    return to_text(request.actor, "actor", MAX_NAME_BYTES)


def to_stop(request: pb.StopPricingRequest) -> Stop:
    """A stop to set. Raises ServiceError, InvalidValue."""
    if not request.HasField("stop"):
        raise ServiceError("REQUIRED", "stop is required", field="stop")
    message = request.stop
    kind, scope = to_scope(message.WhichOneof("scope"), message.product_id, message.category, "stop.")
    actor, reason = to_actor(message.actor, "stop.actor"), to_note(message.reason, "stop.reason")
    return Stop(to_market(message.market, "stop.market"), kind, scope, actor, reason, 0)


def from_stop(stop: Stop) -> pb.Stop:
    """A stop as it stands."""
    time = from_time(stop.time)
    message = pb.Stop(market=stop.market, actor=stop.actor, reason=stop.reason, stop_time=time)
    _scope(message, stop.kind, stop.scope)
    return message


def to_resumed(request: pb.ResumePricingRequest) -> tuple[Key, str, str]:
    """The stop to lift, who does, and why. Raises ServiceError, InvalidValue."""
    kind, scope = to_scope(request.WhichOneof("scope"), request.product_id, request.category, "")
    key = (to_market(request.market), kind, scope)
    return key, to_actor(request.actor, "actor"), to_note(request.reason, "reason")


def _scope(message: pb.PricingPolicy | pb.Stop, kind: str, scope: str) -> None:
    if kind == "product":
        message.product_id = scope
    elif kind == "category":
        message.category = scope
