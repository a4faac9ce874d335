"""What pricing says in words: the reason of a price, and the text of each step to it."""

from typing import Final

from services.pricing.domain.limits import MICROS
from services.pricing.domain.pipeline import Move, Rule
from services.pricing.domain.policy import Policy
from services.pricing.domain.product import Basis

_REASONS: Final = {
    Rule.MARGIN_FLOOR: "raised to keep the least margin",
    Rule.FLOOR: "raised to the floor",
    Rule.CEILING: "lowered to the ceiling",
    Rule.DAILY_STEP: "held to the largest daily step",
    Rule.ENDING: "rounded to an allowed ending",
}
_BASES: Final = {Basis.LIST: "list price", Basis.OBSERVED: "latest observed price"}


def reason(rule: Rule, basis: Basis) -> str:
    """A price's reason: the rule that decided it."""
    return _REASONS.get(rule) or _BASES[basis]


def amount(micros: int) -> str:
    """An amount with two decimals, or as many as it needs: "2.50", "0.333334"."""
    whole, rest = divmod(micros, MICROS)
    return f"{whole}.{f'{rest:06d}'.rstrip('0'):0<2}"


def percent(millionths: int) -> str:
    """A share: "20%", "12.5%"."""
    return f"{f'{millionths / 10_000:.4f}'.rstrip('0').rstrip('.')}%"


def step(move: Move, basis: Basis, cost: int | None, policy: Policy | None, day_ago: int | None) -> str:
    """What a move did and why, in one sentence."""
    text = _BASES[basis]
    if policy is None or move.rule == Rule.BASIS:
        return f"{text} {amount(move.after)}"
    low, high = amount(move.low or 0), amount(move.high or 0)
    if move.rule == Rule.MARGIN_FLOOR:
        text = f"cost {amount(cost or 0)} and a margin of {percent(policy.min_margin)} need at least {low}"
    elif move.rule == Rule.FLOOR:
        text = f"the floor is {low}"
    elif move.rule == Rule.CEILING:
        text = f"the ceiling is {high}"
        if move.high is not None and move.after > move.high:
            text += f", which gives way to the floor {amount(move.after)}"
    elif move.rule == Rule.DAILY_STEP:
        daily = percent(policy.max_daily_step)
        text = f"{amount(day_ago or 0)} a day ago and {daily} a day allow {low} to {high}"
        if not (move.low or 0) <= move.after <= (move.high or 0):
            text += ", which gives way to floor and ceiling"
    else:
        text = f"may end in {', '.join(_ending(ending) for ending in policy.endings)}"
        if move.after == move.before and move.after % MICROS not in policy.endings:
            text += ", but no such price keeps the bounds"
    return text


def _ending(micros: int) -> str:
    return amount(micros)[1:]
