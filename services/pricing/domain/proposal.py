"""Proposals: prices that wait for a person's word, and whether what they stood on still holds."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from services.pricing.domain.limits import DAY
from services.pricing.domain.pipeline import Rule, deciding, moves
from services.pricing.domain.product import Basis, Facts, Money
from services.pricing.domain.terms import Decision, Terms
from services.pricing.domain.words import amount

LIFE = 7 * DAY
"""How long a proposal may be approved when the request does not say."""

LONGEST_LIFE = 90 * DAY

ALLOWED_INPUTS = frozenset(
    {
        "category",
        "competitor_price",
        "cost",
        "holiday",
        "list_price",
        "price_history",
        "promotion",
        "season",
        "stock",
        "units_sold",
    }
)
"""All that a price may be made from. Nothing about shoppers is among them, nor may be."""


class Status(IntEnum):
    """What became of a proposal, numbered as in the proto. EXPIRED is found when looked at, and STALE while
    it waits.

    APPROVED waits for its time.
    """

    PENDING = 1
    APPLIED = 2
    REJECTED = 3
    EXPIRED = 4
    STALE = 5
    APPROVED = 6


class Interval(NamedTuple):
    """An expectation and its 90% interval."""

    value: float
    low: float
    high: float


class Evidence(NamedTuple):
    """Why a price is proposed, in the words of whoever proposes it.

    `elasticity` and its standard error, the expected change a week in units, revenue and margin (amounts in
    micros), and the chance with which this price was chosen among others (1 without exploration).
    """

    model: str = ""
    elasticity: float | None = None
    elasticity_error: float | None = None
    propensity: float = 1.0
    units: Interval | None = None
    revenue: Interval | None = None
    margin: Interval | None = None
    constraints: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    reason: str = ""


class Wish(NamedTuple):
    """A price that somebody would like for a product, from now or from a time ahead on."""

    product_id: str
    money: Money
    evidence: Evidence = Evidence()
    starts: int | None = None


class Inputs(NamedTuple):
    """What a proposal stood on; when one of these changes, nobody can approve it any more."""

    price: int
    base: int
    cost: int | None
    policy: str
    policy_time: int | None
    rival: int | None = None

    def changes(self, now: "Inputs") -> list[str]:
        """In words, what is another one now."""
        said = [
            f"the {name} was {_told(before)}, is {_told(after)}"
            for name, before, after in zip(_NAMES, self._amounts, now._amounts, strict=True)
            if before != after
        ]
        if (self.policy, self.policy_time) != (now.policy, now.policy_time):
            said.append("the policy is another one")
        return said

    @property
    def _amounts(self) -> tuple[int | None, ...]:
        return self.price, self.base, self.cost, self.rival


_NAMES = ("price", "list price", "cost", "competitor's price")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A price to decide on. Amounts are micros, times microseconds; `rule` is what bound the new price.

    `starts` is when it is to hold from, None for at once.
    """

    number: int
    market: str
    product_id: str
    currency: str
    old: int
    new: int
    rule: Rule
    status: Status
    proposer: str
    request_id: str
    created: int
    expires: int
    inputs: Inputs
    evidence: Evidence
    decided_by: str = ""
    decided: int | None = None
    note: str = ""
    starts: int | None = None

    def decision(self, approver: str) -> Decision:
        """What is kept of it once it is applied."""
        known = self.evidence
        money = Money(self.currency, self.new)
        told = (known.model, known.elasticity, known.elasticity_error, known.propensity)
        return Decision(self.number, money, approver, *told)


class Draft(NamedTuple):
    """A wish after the rules: the price that it would become now, what bound it, and what that stands on."""

    money: Money
    rule: Rule
    inputs: Inputs


def draft(wanted: Money, price: int, facts: Facts, terms: Terms, day_ago: int | None) -> Draft | str:
    """The wanted price as the rules let it be; in words why not, where no proposal can count.

    `price` is the one in force, `day_ago` what the daily step is measured against.
    """
    basis, money = facts.basis()
    if not facts.listed or basis is Basis.NONE:
        return "the product is not in the catalogue or has no price"
    if terms.stop:
        return f"pricing is stopped: {terms.stop.reason or terms.stop.actor}"
    policy = terms.rules
    if policy is None or not policy.mode.decides:
        mode = policy.mode.name.lower() if policy else "no policy, or one to keep list prices"
        return f"prices are not decided on here: {mode}"
    if terms.assigned:
        return f"experiment {terms.assigned.experiment} decides on its price until it is over"
    if wanted.currency != money.currency:
        return f"the product is priced in {money.currency}"
    cost = facts.cost_in(money.currency)
    rival = terms.rival.price if terms.rival else None
    made = moves(wanted.micros, cost, policy, day_ago, rival)
    inputs = Inputs(price, money.micros, cost, policy.name, policy.update_time, rival)
    return Draft(Money(money.currency, made[-1].after), deciding(made), inputs)


def stale(proposal: Proposal, now: Draft | str) -> str:
    """In words, why a proposal holds no more; "" when it does. `now` is its new price drafted again."""
    if isinstance(now, str):
        return now
    stood = proposal.inputs
    if (
        proposal.starts is not None and proposal.starts > proposal.created
    ):  # a plan moves the price itself until then
        stood = stood._replace(price=now.inputs.price)
    if changes := stood.changes(now.inputs):
        return "; ".join(changes)
    if now.money.micros != proposal.new:
        return f"the rules now make {amount(now.money.micros)} of it"
    return ""


def _told(micros: int | None) -> str:
    return "not known" if micros is None else amount(micros)
