"""Rows of the tables to the domain's objects, and back."""

import json
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from services.pricing.domain import chain
from services.pricing.domain.account import Entry, State
from services.pricing.domain.audit import Act, Audit
from services.pricing.domain.chain import Link
from services.pricing.domain.competitor import CompetitorRule, Following, Rival
from services.pricing.domain.experiment.design import Arm
from services.pricing.domain.optimiser.goals import Goals, Ladder, Objective
from services.pricing.domain.pipeline import Rule
from services.pricing.domain.policy import Mode, Policy
from services.pricing.domain.product import Basis, Money, Observed, Product
from services.pricing.domain.proposal import Evidence, Inputs, Interval, Proposal, Status
from services.pricing.domain.terms import Assigned, Decision

_BASES = {basis.value: basis for basis in Basis}
_RULES = {rule.value: rule for rule in Rule}


def product_row(product_id: str, product: Product) -> dict[str, Any]:
    """A row of products."""
    currency, price = product.price or (None, None)
    cost_currency, cost = product.cost or (None, None)
    return {
        "product_id": product_id,
        "currency": currency,
        "price": price,
        "cost_currency": cost_currency,
        "cost": cost,
        "categories": json.dumps(product.categories, ensure_ascii=False),
        "deleted": product.deleted,
        "brand": product.brand,
        "size": product.size,
        "primary_id": product.primary_id,
        "stock": product.stock,
        "available": product.available,
    }


def to_product(row: Row[Any]) -> Product:
    """From a row of products."""
    return Product(
        price=None if row.price is None else Money(row.currency, row.price),
        cost=None if row.cost is None else Money(row.cost_currency, row.cost),
        categories=_categories(row.categories),
        deleted=bool(row.deleted),
        brand=row.brand,
        size=row.size,
        primary_id=row.primary_id,
        stock=row.stock,
        available=bool(row.available),
    )


@lru_cache(4_096)  # a shop has few categories for many products
def _categories(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def observed_row(product_id: str, seen: Observed) -> dict[str, Any]:
    """A row of observed."""
    return {
        "product_id": product_id,
        "currency": seen.money.currency,
        "price": seen.money.micros,
        "time": seen.time,
        "sequence": seen.sequence,
    }


def to_observed(row: Row[Any]) -> Observed:
    """From a row of observed."""
    return Observed(Money(row.currency, row.price), row.time, row.sequence)


def policy_row(policy: Policy) -> dict[str, Any]:
    """A row of policies."""
    fields = {name: getattr(policy, name) for name in Policy.__slots__ if name != "goals"}
    return fields | {
        "endings": json.dumps(policy.endings),
        "mode": policy.mode.value,
        "competitor": json.dumps(asdict(policy.competitor)) if policy.competitor else "",
        "optimiser": json.dumps(asdict(policy.goals)) if policy.goals else "",
    }


def to_policy(row: Row[Any]) -> Policy:
    """From a row of policies."""
    told = row._asdict()
    goals = told.pop("optimiser")
    return Policy(
        **{
            **told,
            "goals": _goals(goals),
            "endings": tuple(json.loads(row.endings)),
            "mode": Mode(row.mode),
            "competitor": _competitor_rule(row.competitor),
        }
    )


def _competitor_rule(text: str) -> CompetitorRule | None:
    if not text:
        return None
    told = json.loads(text)
    return CompetitorRule(**{**told, "kind": Following(told["kind"])})


def _goals(text: str) -> Goals | None:
    if not text:
        return None
    told = json.loads(text)
    ladders = tuple(Ladder(*ladder) for ladder in told["ladders"])
    return Goals(**{**told, "objective": Objective(told["objective"]), "ladders": ladders})


def rival_row(market: str, product_id: str, rival: Rival) -> dict[str, Any]:
    """A row of competitor_prices."""
    return {"market": market, "product_id": product_id, **rival._asdict()}


def to_rival(row: Row[Any]) -> Rival:
    """From a row of competitor_prices."""
    return Rival(row.competitor, row.currency, row.price, row.time)


def decision_row(market: str, product_id: str, decision: Decision) -> dict[str, Any]:
    """A row of decisions."""
    row = {"market": market, "product_id": product_id, **decision._asdict()}
    currency, price = row.pop("money")
    return row | {"currency": currency, "price": price}


def to_decision(row: Row[Any]) -> Decision:
    """From a row of decisions; its columns stand in the order market, product, then Decision's fields."""
    number, currency, price, *rest = tuple(row)[2:]
    return Decision(number, Money(currency, price), *rest)


def to_assigned(row: Row[Any]) -> Assigned:
    """From a row of arms."""
    money = None if row.price is None else Money(row.currency, row.price)
    return Assigned(row.experiment, Arm(row.arm), money, row.propensity, row.approver)


def proposal_row(proposal: Proposal) -> dict[str, Any]:
    """A row of proposals."""
    row = {name: getattr(proposal, name) for name in Proposal.__slots__}
    return row | {
        "rule": proposal.rule.value,
        "status": proposal.status.value,
        "inputs": json.dumps(proposal.inputs),
        "evidence": json.dumps(proposal.evidence._asdict(), ensure_ascii=False),
    }


def to_proposal(row: Row[Any]) -> Proposal:
    """From a row of proposals."""
    told = json.loads(row.evidence)
    for name in ("units", "revenue", "margin"):
        told[name] = Interval(*told[name]) if told[name] else None
    for name in ("constraints", "inputs"):
        told[name] = tuple(told[name])
    return Proposal(
        **{
            **row._asdict(),
            "rule": _RULES[row.rule],
            "status": Status(row.status),
            "inputs": Inputs(*json.loads(row.inputs)),
            "evidence": Evidence(**told),
        }
    )


def act_row(act: Act, before: Link) -> dict[str, Any]:
    """A row of acts, chained to the link before it."""
    details = json.dumps(act.details, ensure_ascii=False, sort_keys=True)
    row = {**act._asdict(), "details": details, "sequence": before.sequence + 1}
    return row | {"hash": chain.after(before, row).hash}


def entry_row(market: str, product_id: str, entry: Entry, before: Link) -> tuple[dict[str, Any], Link]:
    """A row of the ledger, and the link that it makes after the link before it."""
    row = {"market": market, "product_id": product_id, **entry._asdict()}
    row |= {
        "basis": entry.basis.value,
        "rule": entry.rule.value,
        "audit": entry.audit.dump() if entry.audit else "",
    }
    row["sequence"] = before.sequence + 1
    link = chain.after(before, row)
    return row | {"hash": link.hash}, link


def to_entry(row: Row[Any]) -> Entry:
    """From a row of the ledger."""
    basis, rule, audit = _BASES[row.basis], _RULES[row.rule], Audit.load(row.audit)
    return Entry(row.number, row.time, row.currency, row.price, row.previous, basis, rule, audit)


def to_record(row: Row[Any]) -> tuple[Link, dict[str, Any]]:
    """A row of the ledger or of acts as a record of its chain."""
    content = row._asdict()
    return Link(row.sequence, content.pop("hash")), content


def state_row(market: str, product_id: str, state: State, revision: int) -> dict[str, Any]:
    """A row of prices."""
    return {
        "market": market,
        "product_id": product_id,
        "listed": state.listed,
        "basis": state.basis.value,
        "rule": state.rule.value,
        "currency": state.currency,
        "price": state.price,
        "list_price": state.list_price,
        "number": state.number,
        "time": state.time,
        "lowest": state.lowest,
        "reduced": state.reduced,
        "day_ago": state.day_ago,
        "due": state.due,
        "revision": revision,
    }


def to_state(row: Row[Any]) -> State:
    """From a row of prices; its columns stand in the order market, product, then State's fields."""
    listed, basis, rule, *rest = tuple(row)[2:-1]
    return State(bool(listed), _BASES[basis], _RULES[rule], *rest)
