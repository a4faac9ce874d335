"""The account of one product in one market: its price now, and the ledger entries that led there.

A price is made anew whenever something it stands on changes. What comes out is the whole state that a
quote needs, so that quotes, explanations and the ledger can never tell different prices.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from services.pricing.domain import reduction
from services.pricing.domain.audit import Audit
from services.pricing.domain.limits import DAY
from services.pricing.domain.pipeline import Move, Rule, deciding, moves
from services.pricing.domain.product import Basis, Facts
from services.pricing.domain.terms import Terms


class Entry(NamedTuple):
    """One price in the ledger, numbered from 1 for each product and market.

    `previous` is the price until then, None when there was none in this currency.
    """

    number: int
    time: int
    currency: str
    price: int
    previous: int | None
    basis: Basis
    rule: Rule
    audit: Audit | None


@dataclass(frozen=True, slots=True)
class State:
    """The price of a product in a market. `basis` NONE: it has none now, the rest is of when it had.

    `list_price` is None for a product that the catalogue tells no price of.
    `time` and `number` are of its last ledger entry, `day_ago` is the price that the daily step was
    measured against, `due` when a price that the step holds back has to be made again. `lowest` and
    `reduced` are the lowest price before the running reduction and when that began.
    """

    listed: bool = False
    basis: Basis = Basis.NONE
    rule: Rule = Rule.BASIS
    currency: str = ""
    price: int = 0
    list_price: int | None = None
    number: int = 0
    time: int = 0
    lowest: int | None = None
    reduced: int | None = None
    day_ago: int | None = None
    due: int | None = None


def reprice(
    state: State,
    facts: Facts,
    terms: Terms,
    at: int,
    recent: Sequence[Entry] | None,
) -> tuple[State, Entry | None]:
    """The state from `at` on, and the ledger entry to add when price, currency or basis changed.

    `recent` holds the ledger's entries of at least the last 30 days, oldest first; None when they do not
    matter: without a daily step, and for changes so old that a reduction could not be announced any more.
    The ledger's times never fall: a cause dated before the last entry takes effect with it.
    """
    basis, money = terms.basis(facts)
    at = max(at, state.time)
    if basis is Basis.NONE:
        if state.basis is basis and state.listed == facts.listed:
            return state, None
        return replace(state, listed=facts.listed, basis=basis, lowest=None, reduced=None, due=None), None
    running = state.basis is not Basis.NONE and state.currency == money.currency
    day_ago = measured_against(state, terms, recent or (), at, money.currency)
    made = trace(facts, terms, day_ago)
    price, rule = made[-1].after, deciding(made)
    entry = None
    if not running or (price, basis) != (state.price, state.basis):
        previous = state.price if running else None
        audit = _audit(facts, terms, day_ago)
        entry = Entry(state.number + 1, at, money.currency, price, previous, basis, rule, audit)
    lowest, reduced = reduction.after(state, recent, entry) if running else (None, None)
    return (
        State(
            listed=facts.listed,
            basis=basis,
            rule=rule,
            currency=money.currency,
            price=price,
            list_price=facts.list_price,
            number=entry.number if entry else state.number,
            time=entry.time if entry else state.time,
            lowest=lowest,
            reduced=reduced,
            day_ago=day_ago,
            due=_due(made, terms, recent or (), entry, at),
        ),
        entry,
    )


def trace(facts: Facts, terms: Terms, day_ago: int | None) -> list[Move]:
    """The rules that were asked for a product that has a basis, in order; the last move tells the price."""
    _, money = terms.basis(facts)
    rival = terms.rival.price if terms.rival else None
    made = moves(money.micros, facts.cost_in(money.currency), terms.rules, day_ago, rival)
    return [*made, Move(Rule.STOP, money.micros, money.micros)] if terms.stop else made


def measured_against(
    state: State, terms: Terms, recent: Sequence[Entry], at: int, currency: str
) -> int | None:
    """What a daily step is measured against at a moment; None without a step or an earlier price."""
    if terms.rules is None or not terms.rules.max_daily_step:
        return None
    return price_at(state, recent, at - DAY, currency)


def _audit(facts: Facts, terms: Terms, day_ago: int | None) -> Audit:
    _, money = terms.basis(facts)
    if terms.stop:
        return Audit(money.micros, approver=terms.stop.actor)
    if terms.rules is None:
        return Audit(money.micros)
    rules, decision = terms.rules, terms.applied(money.currency)
    audit = Audit(money.micros, facts.cost_in(money.currency), day_ago, rules.name, rules.update_time)
    if terms.rival:
        audit = audit._replace(rival=terms.rival.price, competitor=terms.rival.competitor)
    tried = terms.tried(money.currency)
    if decision and not (tried and tried.money):
        audit = audit._replace(
            proposal=decision.proposal,
            approver=decision.approver,
            model=decision.model,
            elasticity=decision.elasticity,
            elasticity_error=decision.elasticity_error,
            propensity=decision.propensity,
        )
    if tried is None:
        return audit
    arm = tried.arm.name.lower()
    audit = audit._replace(experiment=tried.experiment, arm=arm, propensity=tried.propensity)
    return audit._replace(approver=tried.approver) if tried.money else audit


def price_at(state: State, recent: Sequence[Entry], moment: int, currency: str) -> int | None:
    """The price at a moment, the first one for a younger product; None without one in this currency."""
    before = [entry for entry in recent if entry.time <= moment]
    if before:
        found = (before[-1].currency, before[-1].price)
    elif recent and recent[0].previous is not None:
        found = (recent[0].currency, recent[0].previous)
    elif recent:
        found = (recent[0].currency, recent[0].price)
    elif state.basis is not Basis.NONE:
        found = (state.currency, state.price)
    else:
        return None
    return found[1] if found[0] == currency else None


def _due(made: list[Move], terms: Terms, recent: Sequence[Entry], entry: Entry | None, at: int) -> int | None:
    """When this price has to be made again by itself: the daily step holds it back and the price a day ago
    will be another one, or the competitor's price that counts will be too old. None for never.
    """
    moments = []
    if terms.rival and terms.rules and terms.rules.competitor:
        moments.append(terms.rival.time + terms.rules.competitor.max_age)
    if terms.rules and terms.rules.max_daily_step and any(_held(move) for move in made):
        times = [known.time for known in (*recent, *([entry] if entry else ())) if known.time > at - DAY]
        moments.append(min(times, default=at) + DAY)
    return min(moments, default=None)


def _held(move: Move) -> bool:
    """Whether the daily step may keep the price from where it would be."""
    if move.rule is Rule.DAILY_STEP:
        return move.before != move.after
    missed = move.low is not None and move.high is not None and not move.low <= move.after <= move.high
    return move.rule is Rule.COMPETITOR and missed
