"""Prices that wait for a person's word: proposed, decided on once, told stale; and the kill switch."""

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from services.pricing.adapters import ledger, tables
from services.pricing.domain.errors import (
    InvalidValue,
    ProposalDecided,
    ProposalExpired,
    ProposalNotFound,
    ProposalStale,
)
from services.pricing.domain.policy import Mode, Policy
from services.pricing.domain.ports import Ask
from services.pricing.domain.product import Basis, Money
from services.pricing.domain.proposal import LIFE, Evidence, Proposal, Status, Wish
from services.pricing.domain.terms import Stop
from tests.pricing.shop import Clock, Shop, contents, product, units

ROOT = Path(__file__).parents[2]
PROPOSE = Policy(mode=Mode.PROPOSE)
EVIDENCE = Evidence(model="m1", elasticity=-2.1, elasticity_error=0.4, propensity=0.5, reason="too dear")


def ask(prices: dict[str, float], request_id: str = "", currency: str = "USD") -> Ask:
    wishes = [Wish(name, Money(currency, units(price)), EVIDENCE) for name, price in prices.items()]
    return Ask("default", wishes, "ann", request_id, LIFE)


def propose(shop: Shop, price: float, request_id: str = "") -> Proposal:
    answer = shop.desk.propose(ask({"milk": price}, request_id))
    assert not answer.skipped
    return answer.proposals[0]


def skipped(shop: Shop, prices: dict[str, float], currency: str = "USD") -> Sequence[str]:
    answer = shop.desk.propose(ask(prices, currency=currency))
    assert not answer.proposals
    return [reason for _, reason in answer.skipped]


def milk_at(shop: Shop, price: float, policy: Policy = PROPOSE) -> None:
    shop.policy(policy)
    shop.catalog(product("milk", price, cost=1.0, categories=["Food > Dairy"]))


def test_an_approved_price_counts_from_then_on(shop: Shop) -> None:
    milk_at(shop, 3.0)
    made = propose(shop, 2.5)
    assert (made.status, made.old, made.new, shop.price("milk")) == (
        Status.PENDING,
        units(3),
        units(2.5),
        3.0,
    )
    done = shop.desk.approve(made.number, "bob", "go")
    assert (done.status, done.decided_by, done.note) == (Status.APPLIED, "bob", "go")
    quote = shop.quote("milk")
    assert quote
    assert (quote.price, quote.basis, quote.list_price) == (units(2.5), Basis.APPROVED, units(3))
    shop.catalog(product("milk", 4.0, cost=1.0))  # the list price moves on, the decision stands
    assert shop.price("milk") == 2.5


def test_the_ledger_tells_who_approved_what_for_which_reasons(shop: Shop) -> None:
    milk_at(shop, 3.0)
    shop.desk.approve(propose(shop, 2.5).number, "bob", "")
    entry = shop.entries("milk")[-1]
    assert (entry.previous, entry.price, entry.basis) == (units(3), units(2.5), Basis.APPROVED)
    audit = entry.audit
    assert audit
    assert (audit.proposal, audit.approver, audit.policy) == (1, "bob", "market")
    assert (audit.model, audit.elasticity, audit.elasticity_error, audit.propensity) == ("m1", -2.1, 0.4, 0.5)
    acts = [(row[2], row[3], row[5]) for row in contents(shop.database, tables.acts)["acts"]]
    assert acts == [("", "set policy", "market"), ("bob", "apply", "proposal 1 product milk")]
    assert ledger.verify(shop.database).sound


def test_approving_again_changes_nothing(shop: Shop) -> None:
    milk_at(shop, 3.0)
    first = shop.desk.approve(propose(shop, 2.5).number, "bob", "")
    shop.clock.go(30)
    assert shop.desk.approve(first.number, "eve", "") == first
    assert shop.ledger("milk") == [(0.0, 3.0), (0.0, 2.5)]


def test_a_repeated_request_proposes_nothing_twice(shop: Shop) -> None:
    milk_at(shop, 3.0)
    first = propose(shop, 2.5, "r1")
    assert propose(shop, 2.2, "r1") == first
    assert propose(shop, 2.2, "r2").number == first.number + 1


def test_what_is_proposed_is_what_the_rules_make_of_it(shop: Shop) -> None:
    milk_at(shop, 4.0, replace(PROPOSE, currency="USD", floor=units(2.8), endings=(990_000,)))
    shop.clock.go(2)
    made = propose(shop, 2.0)
    assert made.new == units(2.99)
    shop.desk.approve(made.number, "bob", "")
    assert shop.price("milk") == 2.99


def test_rejected_proposals_stay_rejected(shop: Shop) -> None:
    milk_at(shop, 3.0)
    made = propose(shop, 2.5)
    assert shop.desk.reject(made.number, "bob", "no").status is Status.REJECTED
    assert shop.desk.reject(made.number, "eve", "").decided_by == "bob"
    with pytest.raises(ProposalDecided, match="rejected by bob"):
        shop.desk.approve(made.number, "bob", "")
    other = propose(shop, 2.4)
    shop.desk.approve(other.number, "bob", "")
    with pytest.raises(ProposalDecided, match="applied by bob"):
        shop.desk.reject(other.number, "bob", "")
    with pytest.raises(ProposalNotFound):
        shop.desk.approve(99, "bob", "")


def test_a_proposal_expires(shop: Shop) -> None:
    milk_at(shop, 3.0)
    made = propose(shop, 2.5)
    shop.clock.go(7)
    with pytest.raises(ProposalExpired):
        shop.desk.approve(made.number, "bob", "")
    assert shop.desk.proposals("default", Status.EXPIRED, None, 9)[0].status is Status.EXPIRED
    assert shop.price("milk") == 3.0


CHANGES = {
    "the cost was 1.00, is 1.50": lambda shop: shop.catalog(product("milk", 3.0, cost=1.5)),
    "the list price was 3.00, is 3.10": lambda shop: shop.catalog(product("milk", 3.1, cost=1.0)),
    "the policy is another one": lambda shop: shop.policy(replace(PROPOSE, max_daily_step=900_000)),
    "prices are not decided on here: rules": lambda shop: shop.policy(Policy()),
    "the price was 3.00, is 2.80": lambda shop: shop.desk.approve(propose(shop, 2.8).number, "bob", ""),
    "pricing is stopped: a recall": lambda shop: shop.governor.stop(stop("product", "milk")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_proposal_whose_inputs_changed_is_told_stale(shop: Shop, change: str) -> None:
    milk_at(shop, 3.0)
    made = propose(shop, 2.5)
    shop.clock.go(0.1)
    CHANGES[change](shop)
    told = next(one for one in shop.desk.proposals("default", None, None, 9) if one.number == made.number)
    assert told.status is Status.STALE
    assert change in told.note
    with pytest.raises(ProposalStale, match=change):
        shop.desk.approve(made.number, "bob", "")


def test_a_step_that_has_moved_on_makes_a_proposal_stale(shop: Shop) -> None:
    milk_at(shop, 10.0, replace(PROPOSE, max_daily_step=100_000))
    shop.clock.go(2)
    first, second = propose(shop, 8.0), propose(shop, 9.5)
    assert (first.new, second.new) == (units(9), units(9.5))
    shop.desk.approve(second.number, "bob", "")
    assert shop.price("milk") == 9.5
    shop.desk.approve(propose(shop, 9.0).number, "bob", "")  # a day's whole step, in two
    assert skipped(shop, {"milk": 8.0}) == ["the rules leave the price as it is"]


def test_products_that_nothing_can_be_decided_on_are_told(shop: Shop) -> None:
    shop.catalog(product("milk", 3.0), product("bread"))
    assert skipped(shop, {"milk": 2.0, "bread": 2.0, "who": 2.0}) == [
        "prices are not decided on here: no policy, or one to keep list prices",
        "the product is not in the catalogue or has no price",
        "the product is not in the catalogue or has no price",
    ]
    shop.policy(Policy())
    assert skipped(shop, {"milk": 2.0}) == ["prices are not decided on here: rules"]
    shop.policy(PROPOSE)
    assert skipped(shop, {"milk": 2.0}, "EUR") == ["the product is priced in USD"]
    assert skipped(shop, {"milk": 3.0}) == ["the rules leave the price as it is"]


def test_automatic_applies_at_once(shop: Shop) -> None:
    milk_at(shop, 3.0, Policy(mode=Mode.AUTOMATIC))
    made = propose(shop, 2.5, "r1")
    assert (made.status, made.decided_by, shop.price("milk")) == (Status.APPLIED, "automatic", 2.5)
    assert propose(shop, 2.5, "r1") == made


def test_modes_list_and_rules_leave_approved_prices_out(shop: Shop) -> None:
    milk_at(shop, 3.0)
    shop.desk.approve(propose(shop, 2.5).number, "bob", "")
    bounds = Policy(currency="USD", floor=units(3.2))
    shop.policy(bounds)
    assert shop.price("milk") == 3.2
    shop.policy(replace(bounds, mode=Mode.LIST))
    assert shop.price("milk") == 3.0
    shop.policy(PROPOSE)
    assert shop.price("milk") == 2.5


def stop(kind: str = "market", scope: str = "") -> Stop:
    return Stop("default", kind, scope, "eve", "a recall", 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "scope"), [("market", ""), ("category", "Food"), ("product", "milk")])
def test_the_kill_switch_brings_list_prices_back_until_it_is_lifted(
    shop: Shop, kind: str, scope: str
) -> None:
    milk_at(shop, 3.0, replace(PROPOSE, currency="USD", floor=units(2), max_daily_step=200_000))
    shop.clock.go(2)
    shop.desk.approve(propose(shop, 2.5).number, "bob", "")
    set_first = shop.governor.stop(stop(kind, scope))
    assert shop.price("milk") == 3.0
    assert shop.governor.stop(stop(kind, scope)._replace(actor="bob")) == set_first
    shop.catalog(product("milk", 9.0, cost=1.0, categories=["Food > Dairy"]))
    assert shop.price("milk") == 9.0  # the list price as it is, no step holds it
    key = ("default", kind, scope)
    assert shop.governor.resume(key, "eve", "over")
    assert not shop.governor.resume(key, "eve", "over")
    assert shop.price("milk") == 2.5
    said = [(row[2], row[3]) for row in contents(shop.database, tables.acts)["acts"]]
    assert said == [("", "set policy"), ("bob", "apply"), ("eve", "stop"), ("eve", "resume")]
    assert ledger.verify(shop.database).sound


def test_a_stop_covers_only_its_scope_and_survives_a_restart(shop: Shop, database_url: str) -> None:
    shop.policy(Policy(currency="USD", floor=units(5)))
    shop.catalog(product("milk", 3.0, categories=["Food > Dairy"]), product("soap", 3.0))
    shop.governor.stop(stop("category", "Food"))
    again = Shop(database_url, shop.clock)
    assert [(again.price(name), shop.price(name)) for name in ("milk", "soap")] == [(3.0, 3.0), (5.0, 5.0)]
    with pytest.raises(InvalidValue):
        shop.governor.stop(stop()._replace(market="atlantis"))
    again.close()


def test_two_replicas_apply_a_proposal_once(shop: Shop, database_url: str, clock: Clock) -> None:
    milk_at(shop, 3.0)
    numbers = [propose(shop, 2.5).number]
    second = Shop(database_url, clock)
    approvers = [
        threading.Thread(target=replica.desk.approve, args=(number, name, ""))
        for replica, name in ((shop, "ann"), (second, "bob"))
        for number in numbers * 4
    ]
    for thread in approvers:
        thread.start()
    for thread in approvers:
        thread.join()
    assert shop.ledger("milk") == [(0.0, 3.0), (0.0, 2.5)]
    acts = [row[3] for row in contents(shop.database, tables.acts)["acts"]]
    assert acts == ["set policy", "apply"]
    second.store.refresh()
    assert second.price("milk") == shop.price("milk") == 2.5
    second.close()


def test_killed_at_any_moment_each_proposal_is_applied_once(shop: Shop, database_url: str) -> None:
    """Another process approves them one by one, is killed now and then, and begins from the first again."""
    names = [f"p{number}" for number in range(30)]
    shop.policy(PROPOSE)
    shop.catalog(*(product(name, 3.0) for name in names))
    shop.desk.propose(ask(dict.fromkeys(names, 2.5)))
    for lives in (5, 17, 99):
        command = [sys.executable, "-m", "tests.pricing.approver", database_url]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            for _ in zip(range(lives), process.stdout, strict=False):
                pass
            process.kill()
    shop.store.refresh()
    assert {tuple(shop.ledger(name)) for name in names} == {((0.0, 3.0), (0.0, 2.5))}
    assert {shop.price(name) for name in names} == {2.5}
    acts = [row[5] for row in contents(shop.database, tables.acts)["acts"]]
    assert acts == ["market", *(f"proposal {n + 1} product {name}" for n, name in enumerate(names))]
    assert ledger.verify(shop.database).sound
