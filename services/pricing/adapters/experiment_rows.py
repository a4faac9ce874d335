"""Rows of experiments and of what chance gave their units, to the domain's objects and back."""

import json
from typing import Any

from sqlalchemy import Row

from services.pricing.domain.experiment.design import PROPENSITY, Arm, Kind
from services.pricing.domain.experiment.experiment import Experiment, Status, Timing, Tried
from services.pricing.domain.experiment.outcomes import Assignment
from services.pricing.domain.product import Money
from services.pricing.domain.terms import Assigned


def experiment_row(experiment: Experiment) -> dict[str, Any]:
    """A row of experiments."""
    row = {name: getattr(experiment, name) for name in Experiment.__slots__}
    return row | {
        "kind": experiment.kind.value,
        "status": experiment.status.value,
        "timing": json.dumps(experiment.timing),
        "products": json.dumps(experiment.products, ensure_ascii=False),
    }


def to_experiment(row: Row[Any]) -> Experiment:
    """From a row of experiments."""
    return Experiment(
        **{
            **row._asdict(),
            "kind": Kind(row.kind),
            "status": Status(row.status),
            "timing": Timing(*json.loads(row.timing)),
            "products": tuple(Tried(*one) for one in json.loads(row.products)),
        }
    )


def assignment_row(experiment: Experiment, one: Assignment) -> dict[str, Any]:
    """A row of assignments."""
    row = {"experiment": experiment.number, **one._asdict(), "propensity": PROPENSITY}
    return row | {"arm": one.arm.value}


def to_assignment(row: Row[Any]) -> Assignment:
    """From a row of assignments."""
    return Assignment(row.unit, Arm(row.arm), row.begun)


def assigned(experiment: Experiment, tried: Tried, arm: Arm) -> Assigned:
    """What an arm says of a product."""
    money = Money(tried.currency, tried.treatment) if arm is Arm.TREATMENT else None
    return Assigned(experiment.number, arm, money, PROPENSITY, experiment.approver)


def arm_row(experiment: Experiment, tried: Tried, said: Assigned) -> dict[str, Any]:
    """A row of arms."""
    return {
        "market": experiment.market,
        "product_id": tried.product_id,
        "experiment": experiment.number,
        "arm": said.arm.value,
        "currency": tried.currency,
        "price": said.money.micros if said.money else None,
        "propensity": said.propensity,
        "approver": said.approver,
    }
