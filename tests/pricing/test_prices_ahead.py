"""Plans as proposals: each price from its time on, approved before, applied once, or withdrawn."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.pricing.adapters import ledger, tables
from services.pricing.adapters.desk import Desk
from services.pricing.domain.errors import ProposalDecided
from services.pricing.domain.limits import DAY
from services.pricing.domain.policy import Mode, Policy
from services.pricing.domain.ports import Ask
from services.pricing.domain.product import Money
from services.pricing.domain.proposal import LIFE, Proposal, Status, Wish
from services.pricing.domain.terms import Stop
from tests.pricing.shop import Shop, contents, product, units

PROPOSE = Policy(mode=Mode.PROPOSE)


def milk_at(shop: Shop, policy: Policy = PROPOSE) -> None:
    shop.policy(policy)
    shop.catalog(product("milk", 4.0, cost=1.0))


def plan(shop: Shop, steps: Sequence[tuple[float, float]], plan_id: str = "p1") -> list[Proposal]:
    """Prices of milk from so many days ahead on."""
    wishes = [
        Wish("milk", Money("USD", units(price)), starts=shop.clock.now + round(days * DAY) if days else None)
        for days, price in steps
    ]
    return list(shop.desk.propose(Ask("default", wishes, "ann", plan_id, LIFE, plan=True)).proposals)


def go(shop: Shop, days: float) -> float | None:
    shop.clock.go(days)
    shop.desk.turn()
    return shop.price("milk")


def test_approved_prices_hold_from_their_time_on_and_go_back(shop: Shop) -> None:
    milk_at(shop)
    promotion, back = plan(shop, [(2, 3.0), (9, 4.0)])
    assert shop.desk.approve(promotion.number, "bob", "").status is Status.APPROVED
    assert shop.desk.approve(promotion.number, "eve", "").decided_by == "bob"
    shop.desk.approve(back.number, "bob", "")
    assert [go(shop, days) for days in (1.9, 0.1, 6.9, 0.1)] == [4.0, 3.0, 3.0, 4.0]
    told = {one.number: one for one in shop.desk.proposals("default", None, None, 9)}
    assert {one.status for one in told.values()} == {Status.APPLIED}
    assert {one.request_id for one in told.values()} == {"p1"}
    entries = shop.entries("milk")[1:]
    assert [(one.price, one.audit.proposal, one.audit.approver) for one in entries if one.audit] == [
        (units(3), promotion.number, "bob"),
        (units(4), back.number, "bob"),
    ]
    acts = [(row[2], row[3]) for row in contents(shop.database, tables.acts)["acts"]][1:]
    assert acts == [("bob", "approve"), ("bob", "approve"), ("bob", "apply"), ("bob", "apply")]
    assert ledger.verify(shop.database).sound


def test_a_price_is_applied_once_whoever_turns(shop: Shop, database_url: str) -> None:
    milk_at(shop, Policy(mode=Mode.AUTOMATIC))
    (made,) = plan(shop, [(1, 3.0)])
    assert (made.status, made.decided_by) == (Status.APPROVED, "automatic")
    assert plan(shop, [(1, 2.0)]) == [made]  # the same plan
    other = Shop(database_url, shop.clock)
    shop.clock.go(1)
    other.desk.turn()
    shop.desk.turn()
    shop.clock.go(-0.5)
    shop.desk.turn()
    assert [price for _, price in shop.ledger("milk")] == [4.0, 3.0]
    other.close()


def test_what_is_approved_late_holds_at_once(shop: Shop) -> None:
    milk_at(shop)
    (made,) = plan(shop, [(1, 3.0)])
    shop.clock.go(3)
    assert shop.desk.approve(made.number, "bob", "").status is Status.APPLIED
    assert shop.price("milk") == 3.0


@pytest.mark.parametrize("change", ["cost", "stop", "policy"])
def test_what_the_rules_no_more_leave_as_it_is_becomes_stale(shop: Shop, change: str) -> None:
    milk_at(shop)
    (made,) = plan(shop, [(2, 3.0)])
    shop.desk.approve(made.number, "bob", "")
    if change == "cost":
        shop.catalog(product("milk", 4.0, cost=1.5))
    elif change == "stop":
        shop.governor.stop(Stop("default", "market", "", "eve", "a recall", 0))
    else:
        shop.policy(replace(PROPOSE, currency="USD", floor=units(3.5)))
    assert go(shop, 2) == 4.0
    (told,) = shop.desk.proposals("default", Status.STALE, None, 9)
    assert told.note
    with pytest.raises(ProposalDecided):
        shop.desk.approve(made.number, "bob", "")


def test_an_approved_price_can_be_withdrawn(shop: Shop) -> None:
    milk_at(shop)
    (made,) = plan(shop, [(2, 3.0)])
    shop.desk.approve(made.number, "bob", "")
    assert shop.desk.reject(made.number, "eve", "no").status is Status.REJECTED
    assert go(shop, 2) == 4.0


def test_another_plan_takes_the_place_of_what_waits(shop: Shop) -> None:
    milk_at(shop)
    first, second = plan(shop, [(2, 3.0), (9, 2.0)])
    shop.desk.approve(first.number, "bob", "")
    (later,) = plan(shop, [(3, 3.5)], "p2")
    told = {one.number: (one.status, one.note) for one in shop.desk.proposals("default", None, None, 9)}
    assert told[first.number] == told[second.number] == (Status.REJECTED, "plan p2 took its place")
    assert told[later.number] == (Status.PENDING, "")


def test_a_daily_step_is_asked_when_the_price_is_to_hold(shop: Shop) -> None:
    milk_at(shop, replace(PROPOSE, max_daily_step=100_000))
    shop.clock.go(2)
    made = plan(shop, [(1, 3.6), (2, 3.3)])
    assert [one.new for one in made] == [units(3.6), units(3.3)]  # the second is in reach of the first
    for one in made:
        Desk(shop.store).approve(one.number, "bob", "")
    assert [go(shop, 1), go(shop, 1)] == [3.6, 3.3]
