"""Experiments over the store: one price a product and moment, by coins, approved, switched, stopped,
recorded.
"""

import json
from dataclasses import replace

import pytest

from services.pricing.adapters import ledger, tables
from services.pricing.adapters.lab import Lab
from services.pricing.adapters.served_demand import ServedDemand
from services.pricing.domain.demand.response import Response, Responses
from services.pricing.domain.errors import ExperimentNotFound, ExperimentOver, ExperimentStale, InvalidValue
from services.pricing.domain.experiment.asking import Sought
from services.pricing.domain.experiment.design import Arm, Kind
from services.pricing.domain.experiment.experiment import Status, Timing
from services.pricing.domain.limits import DAY
from services.pricing.domain.policy import Mode, Policy
from services.pricing.domain.product import Money
from services.pricing.domain.terms import Stop
from tests.pricing.shop import START_MICROS, Shop, contents, product, units

PROPOSE = Policy(mode=Mode.PROPOSE)
AUTOMATIC = Policy(mode=Mode.AUTOMATIC)


def lab_of(shop: Shop) -> Lab:
    """Knows the demand of p0 to p11."""
    demand = ServedDemand()
    known = [Response(f"p{n}", "", "USD", 4.0, 10.0 + n, -2.0, 0.3, False) for n in range(12)]
    demand.serve(Responses("m1", known))
    return Lab(shop.store, demand)


def sought(
    *ids: str, kind: Kind = Kind.SWITCHBACK, change: int = -100_000, request_id: str = "e1", blocks: int = 14
) -> Sought:
    timing = Timing(DAY, blocks) if kind is Kind.SWITCHBACK else Timing(28 * DAY, 1)
    return Sought("default", kind, timing, ids, "", change, {}, 5, "ann", request_id)


def milk_at(shop: Shop, policy: Policy = AUTOMATIC) -> None:
    shop.policy(policy)
    shop.catalog(product("milk", 4.0, cost=2.0, categories=["Food"]))


def days_of(shop: Shop, lab: Lab, count: int) -> list[float | None]:
    """The price in force on each of so many days, from today on."""
    seen = []
    for _ in range(count):
        seen.append(shop.price("milk"))
        shop.clock.go(1)
        lab.turn()
    return seen


def test_a_product_switches_as_the_coins_say_and_comes_back(shop: Shop) -> None:
    milk_at(shop)
    lab = lab_of(shop)
    known = lab.start(sought("milk")).shown.experiment
    arms = known.assignment()
    assert sorted(arms[:7] + arms[7:]) == sorted([Arm.CONTROL, Arm.TREATMENT] * 7)
    seen = days_of(shop, lab, 14)
    assert seen == [3.6 if arm is Arm.TREATMENT else 4.0 for arm in arms]
    assert shop.price("milk") == 4.0
    after = lab.shown(known.number)
    assert (after.experiment.status, after.experiment.ended) == (Status.ENDED, START_MICROS + 14 * DAY)
    assert [one.arm for one in after.assignments] == arms


def test_each_assignment_is_recorded_with_its_propensity_and_the_ledger_tells_the_arm(shop: Shop) -> None:
    milk_at(shop)
    lab = lab_of(shop)
    lab.start(sought("milk"))
    days_of(shop, lab, 14)
    told = {json.loads(str(row[6])).get("propensity") for row in contents(shop.database, tables.acts)["acts"]
            if row[3] == "assign"}  # fmt: skip
    assert told == {0.5}
    audits = [entry.audit for entry in shop.entries("milk")[1:]]
    assert {(one.experiment, one.arm, one.propensity) for one in audits[:-1] if one} == {
        (1, "treatment", 0.5),
        (1, "control", 0.5),
    }
    assert ledger.verify(shop.database).sound


def test_under_propose_a_person_lets_it_begin_once(shop: Shop) -> None:
    milk_at(shop, PROPOSE)
    lab = lab_of(shop)
    waits = lab.start(sought("milk")).shown
    assert (waits.experiment.status, shop.price("milk")) == (Status.PENDING, 4.0)
    assert lab.start(sought("milk")).shown == waits  # the same request
    begun = lab.approve(1, "bob")
    assert begun.experiment.approver == "bob"
    assert lab.approve(1, "eve") == begun
    entries = [entry for entry in shop.entries("milk") if entry.audit and entry.audit.arm == "treatment"]
    assert all(entry.audit and entry.audit.approver == "bob" for entry in entries)


def test_what_changed_since_it_was_asked_for_makes_it_stale(shop: Shop) -> None:
    milk_at(shop, PROPOSE)
    lab = lab_of(shop)
    lab.start(sought("milk"))
    shop.catalog(product("milk", 4.5, cost=2.0))
    with pytest.raises(ExperimentStale, match=r"the price of milk was 4.00, is 4.50"):
        lab.approve(1, "bob")


def test_the_rules_bind_what_is_tried(shop: Shop) -> None:
    milk_at(shop, replace(AUTOMATIC, min_margin=450_000))  # at least 2 / 0.55
    lab = lab_of(shop)
    (tried,) = lab.start(sought("milk", change=-200_000)).shown.experiment.products
    assert tried.treatment == 3_636_364
    assert set(days_of(shop, lab, 14)) == {4.0, 3.636364}


def test_the_kill_switch_holds_over_it(shop: Shop) -> None:
    milk_at(shop)
    lab = lab_of(shop)
    lab.start(sought("milk"))
    shop.governor.stop(Stop("default", "market", "", "eve", "a recall", 0))
    assert set(days_of(shop, lab, 10)) == {4.0}
    shop.governor.resume(("default", "market", ""), "eve", "over")
    assert set(days_of(shop, lab, 4)) <= {3.6, 4.0}


def test_a_stopped_experiment_gives_the_price_back_and_stays_stopped(shop: Shop) -> None:
    milk_at(shop)
    lab = lab_of(shop)
    lab.start(sought("milk"))
    shop.clock.go(1.5)
    lab.turn()
    stopped = lab.stop(1, "eve", "enough")
    assert (stopped.experiment.status, stopped.experiment.note) == (Status.STOPPED, "enough")
    assert set(days_of(shop, lab, 14)) == {4.0}
    assert lab.stop(1, "bob", "") == stopped
    with pytest.raises(ExperimentOver):
        lab.approve(1, "bob")
    with pytest.raises(ExperimentNotFound):
        lab.stop(2, "bob", "")


def test_a_clock_that_goes_back_and_days_away_assign_nothing_twice(shop: Shop, database_url: str) -> None:
    milk_at(shop)
    lab = lab_of(shop)
    lab.start(sought("milk"))
    shop.clock.go(2)
    lab.turn()
    shop.clock.go(-1.5)
    lab.turn()
    lab_of(Shop(database_url, shop.clock)).turn()  # another replica
    assert [one.unit for one in lab.shown(1).assignments] == [0, 2]
    shop.clock.go(5)
    lab.turn()
    assert [one.unit for one in lab.shown(1).assignments] == [0, 2, 5]


def test_while_it_runs_nobody_else_decides_on_its_products(shop: Shop) -> None:
    milk_at(shop)
    lab = lab_of(shop)
    lab.start(sought("milk"))
    drafted = lab.start(sought("milk", "who", request_id="e1")).left_out
    assert drafted == []  # the same request
    with pytest.raises(InvalidValue, match="there are 0"):
        lab.start(sought("milk", request_id="e2"))


def test_products_are_assigned_in_pairs_and_hold_to_the_end(shop: Shop) -> None:
    shop.policy(AUTOMATIC)
    shop.catalog(
        *(product(f"p{n}", 4.0, cost=2.0, categories=["Food"]) for n in range(11)), product("x", 4.0)
    )
    lab = lab_of(shop)
    started = lab.start(sought(*(f"p{n}" for n in range(11)), "x", kind=Kind.PRODUCTS))
    ids = [one.product_id for one in started.shown.experiment.products]
    assert ids == [f"p{n}" for n in range(10, 0, -1)]  # pairs by what they sell
    assert dict(started.left_out) == {
        "x": "the model does not know its demand",
        "p0": "there is no other product to pair it with",
    }
    for first, second in zip(ids[::2], ids[1::2], strict=True):
        assert sorted([shop.price(first), shop.price(second)]) == [3.6, 4.0]
    shop.clock.go(29)
    lab.turn()
    assert {shop.price(one) for one in ids} == {4.0}


def test_prices_of_a_plan_can_be_tried(shop: Shop) -> None:
    milk_at(shop)
    lab = lab_of(shop)
    wanted = sought("milk")._replace(prices={"milk": Money("USD", units(5))}, change=0)
    assert lab.start(wanted).shown.experiment.products[0].treatment == units(5)
