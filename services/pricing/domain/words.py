"""What pricing says in words: the reason of a price, and the text of each step to it."""

from typing import Final

from services.pricing.domain.competitor import CompetitorRule, Following, Rival
from services.pricing.domain.limits import DAY, MICROS
from services.pricing.domain.pipeline import Move, Rule
from services.pricing.domain.product import Basis, Facts
from services.pricing.domain.terms import Assigned, Decision, Terms

_REASONS: Final = {
    Rule.MARGIN_FLOOR: "raised to keep the least margin",
    Rule.FLOOR: "raised to the floor",
    Rule.CEILING: "lowered to the ceiling",
    Rule.DAILY_STEP: "held to the largest daily step",
    Rule.COMPETITOR: "kept beside a competitor's price",
    Rule.ENDING: "rounded to an allowed ending",
    Rule.STOP: "pricing is stopped here",
}
_BASES: Final = {
    Basis.LIST: "list price",
    Basis.OBSERVED: "latest observed price",
    Basis.APPROVED: "approved price",
}


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


def step(move: Move, facts: Facts, terms: Terms, day_ago: int | None) -> str:
    """What a move did and why, in one sentence."""
    rules = terms.rules
    if move.rule is Rule.STOP and terms.stop:
        return f"pricing is stopped by {terms.stop.actor}: {terms.stop.reason or 'no reason told'}"
    if rules is None or move.rule is Rule.BASIS:
        return _basis(move, facts, terms)
    low, high = amount(move.low or 0), amount(move.high or 0)
    if move.rule is Rule.MARGIN_FLOOR:
        cost = facts.product.cost.micros if facts.product and facts.product.cost else 0
        return f"cost {amount(cost)} and a margin of {percent(rules.min_margin)} need at least {low}"
    if move.rule is Rule.FLOOR:
        return f"the floor is {low}"
    if move.rule is Rule.CEILING:
        gives_way = move.high is not None and move.after > move.high
        return f"the ceiling is {high}" + (
            f", which gives way to the floor {amount(move.after)}" if gives_way else ""
        )
    if move.rule is Rule.DAILY_STEP:
        daily = percent(rules.max_daily_step)
        text = f"{amount(day_ago or 0)} a day ago and {daily} a day allow {low} to {high}"
        kept = (move.low or 0) <= move.after <= (move.high or 0)
        return text if kept else f"{text}, which gives way to floor and ceiling"
    if move.rule is Rule.COMPETITOR and rules.competitor:
        return _competitor(move, rules.competitor, terms.rival)
    text = f"may end in {', '.join(_ending(ending) for ending in rules.endings)}"
    missed = move.after == move.before and move.after % MICROS not in rules.endings
    return f"{text}, but no such price keeps the bounds" if missed else text


def _basis(move: Move, facts: Facts, terms: Terms) -> str:
    basis, money = terms.basis(facts)
    text = f"{_BASES[basis]} {amount(move.after)}"
    tried = terms.tried(money.currency)
    decision = None if tried and tried.money else terms.applied(money.currency)
    said = [_decision(decision)] if decision else []
    if tried:
        said.append(_assigned(tried))
    return f"{text}: {'; '.join(said)}" if said else text


def _competitor(move: Move, rule: CompetitorRule, rival: Rival | None) -> str:
    if rival is None:
        asked = rule.competitor or "a competitor"
        return f"no price of {asked} that was seen in the last {rule.max_age / DAY:g} days is known"
    low, high = amount(move.low or 0), amount(move.high or 0)
    wanted = {
        Following.MATCH: "the same is wanted",
        Following.BEAT: f"to lie {percent(rule.by)} below allows up to {high}",
        Following.WITHIN: f"to lie within {percent(rule.by)} allows {low} to {high}",
    }[rule.kind]
    text = f"{rival.competitor} asks {amount(rival.price)}: {wanted}"
    kept = (move.low or 0) <= move.after <= (move.high or 0)
    return text if kept else f"{text}, which gives way to floor, ceiling and daily step"


def _decision(decision: Decision) -> str:
    said = [f"proposal {decision.proposal}, approved by {decision.approver}"]
    if decision.model:
        said.append(f"model {decision.model}")
    if decision.elasticity is not None:
        error = decision.elasticity_error
        doubt = "" if error is None else f" with a standard error of {error:.2f}"
        said.append(f"elasticity {decision.elasticity:.2f}{doubt}")
    if decision.propensity is not None and decision.propensity < 1:
        said.append(f"chosen among others with a chance of {decision.propensity:.2f}")
    return ", ".join(said)


def _assigned(tried: Assigned) -> str:
    by = f", approved by {tried.approver}" if tried.money else ""
    arm = tried.arm.name.lower()
    return f"experiment {tried.experiment}, {arm} with a chance of {tried.propensity:.2f}{by}"


def _ending(micros: int) -> str:
    return amount(micros)[1:]
