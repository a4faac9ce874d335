"""Competitors' prices: the newest counts until it is too old, and ours follow it under floors and steps."""

from dataclasses import replace

import pytest

from services.pricing.adapters import ledger, tables
from services.pricing.domain import words
from services.pricing.domain.competitor import CompetitorRule, Following, Rival
from services.pricing.domain.errors import InvalidValue
from services.pricing.domain.limits import DAY
from services.pricing.domain.pipeline import Rule, moves
from services.pricing.domain.policy import Mode, Policy
from services.pricing.domain.ports import Ask, Seen
from services.pricing.domain.product import Money
from services.pricing.domain.proposal import LIFE, Status, Wish
from services.pricing.domain.terms import Terms
from tests.pricing.shop import Shop, contents, product, units

MATCH = Policy(competitor=CompetitorRule(Following.MATCH))
BEAT = Policy(competitor=CompetitorRule(Following.BEAT, 100_000))
WITHIN = Policy(competitor=CompetitorRule(Following.WITHIN, 200_000))


@pytest.mark.parametrize(
    ("policy", "ours", "theirs", "price"),
    [
        (MATCH, 5.0, 4.0, 4.0),
        (MATCH, 3.0, 4.0, 4.0),
        (BEAT, 5.0, 4.0, 3.6),
        (BEAT, 3.0, 4.0, 3.0),
        (WITHIN, 9.0, 5.0, 6.0),
        (WITHIN, 3.0, 5.0, 4.0),
        (WITHIN, 5.5, 5.0, 5.5),
    ],
)
def test_match_beat_and_within_by_eye(policy: Policy, ours: float, theirs: float, price: float) -> None:
    made = moves(units(ours), None, policy, None, units(theirs))
    assert made[-1].after == units(price)


def test_floors_and_the_daily_step_stand_above_a_competitor_and_endings_below() -> None:
    policy = replace(MATCH, currency="USD", floor=units(4.5), endings=(990_000,))
    assert moves(units(6), None, policy, None, units(4))[-1].after == units(4.5)  # 4.99 lies further off
    assert moves(units(6), units(5), policy, None, units(4))[-1].after == units(5)
    stepped = replace(MATCH, max_daily_step=100_000)
    assert moves(units(6), None, stepped, units(6), units(4))[-1].after == units(5.4)
    beaten = replace(BEAT, endings=(490_000, 990_000))
    assert moves(units(6), None, beaten, None, units(5))[-1].after == units(4.49)  # 4.50 at most: not 4.99


def test_the_newest_price_of_each_competitor_counts_and_the_lowest_is_followed(shop: Shop) -> None:
    shop.policy(MATCH)
    shop.catalog(product("milk", 5.0))
    assert shop.seen("milk", a=4.0, b=4.5)[:2] == (2, 0)
    assert shop.price("milk") == 4.0
    assert shop.seen("milk", a=4.0, b=4.5)[:2] == (0, 2)  # again: nothing new, nothing recorded
    shop.clock.go(1)
    shop.seen("milk", a=4.7)
    assert shop.price("milk") == 4.5
    late = Seen(0, "milk", Rival("b", "USD", units(1), shop.clock.now - 2 * DAY))
    assert shop.watch.take_in("default", [late], "ann").known == 1
    assert shop.price("milk") == 4.5
    acts = [(row[2], row[3]) for row in contents(shop.database, tables.acts)["acts"]]
    assert acts == [("", "set policy"), *[("ann", "import competitor prices")] * 2]
    assert ledger.verify(shop.database).sound


def test_a_named_competitor_is_followed_alone(shop: Shop) -> None:
    shop.policy(Policy(competitor=CompetitorRule(Following.MATCH, competitor="b")))
    shop.catalog(product("milk", 5.0))
    shop.seen("milk", a=1.0, b=4.5)
    assert shop.price("milk") == 4.5


def test_a_price_that_is_too_old_counts_no_more(shop: Shop) -> None:
    shop.policy(MATCH)
    shop.catalog(product("milk", 5.0))
    shop.seen("milk", a=4.0)
    shop.clock.go(6.9)
    assert shop.store.make_due() == 0
    shop.seen("milk", b=4.8)
    assert shop.price("milk") == 4.0
    shop.clock.go(0.1)
    assert shop.store.make_due() == 1
    assert shop.price("milk") == 4.8
    shop.clock.go(7)
    shop.store.make_due()
    assert shop.price("milk") == 5.0


def test_a_daily_step_brings_the_price_to_the_competitors_day_by_day(shop: Shop) -> None:
    shop.policy(replace(MATCH, max_daily_step=100_000))
    shop.catalog(product("milk", 10.0))
    shop.clock.go(2)
    shop.seen("milk", a=8.5)
    told = [shop.price("milk")]
    for _ in range(3):
        shop.clock.go(1)
        shop.store.make_due()
        told.append(shop.price("milk"))
    assert told == [9.0, 8.5, 8.5, 8.5]


def test_the_ledger_says_whose_price_was_followed(shop: Shop) -> None:
    shop.policy(MATCH)
    shop.catalog(product("milk", 5.0))
    shop.seen("milk", corner=4.0)
    entry = shop.entries("milk")[-1]
    assert entry.audit
    assert (entry.rule, entry.audit.rival, entry.audit.competitor) == (Rule.COMPETITOR, units(4), "corner")
    facts, terms = None, Terms(MATCH, rival=Rival("corner", "USD", units(4), 0))
    move = moves(units(5), None, MATCH, None, units(4))[-1]
    assert words.step(move, facts, terms, None) == "corner asks 4.00: the same is wanted"  # type: ignore[arg-type]


def test_a_proposal_is_stale_once_the_competitor_moved(shop: Shop) -> None:
    shop.policy(replace(WITHIN, mode=Mode.PROPOSE))
    shop.catalog(product("milk", 5.0))
    shop.seen("milk", a=5.0)
    wish = Wish("milk", Money("USD", units(4.5)))
    made = shop.desk.propose(Ask("default", [wish], "ann", "", LIFE)).proposals[0]
    shop.clock.go(1)
    shop.seen("milk", a=5.2)
    (told,) = shop.desk.proposals("default", None, None, 9)
    assert told.status is Status.STALE
    assert told.note == "the competitor's price was 5.00, is 5.20"
    assert made.status is Status.PENDING


def test_each_price_is_taken_in_or_refused_by_itself(shop: Shop) -> None:
    shop.catalog(product("milk", 5.0), product("gone", 5.0))
    now = shop.clock.now
    seen = [
        Seen(0, "milk", Rival("a", "USD", units(4), now)),
        Seen(1, "who", Rival("a", "USD", units(4), now)),
        Seen(2, "milk", Rival("a", "EUR", units(4), now)),
        Seen(3, "milk", Rival("b", "USD", units(4), now + DAY)),
        Seen(4, "milk", Rival("b", "USD", units(4), now - 91 * DAY)),
    ]
    found = shop.watch.take_in("default", seen, "ann")
    assert (found.imported, found.known) == (1, 0)
    assert [(one.place, error.reason, error.field) for one, error in found.refused] == [
        (1, "PRODUCT_NOT_FOUND", "product_id"),
        (2, "MIXED_CURRENCIES", "price.currency_code"),
        (3, "INVALID_VALUE", "observe_time"),
        (4, "INVALID_VALUE", "observe_time"),
    ]
    with pytest.raises(InvalidValue):
        shop.watch.take_in("atlantis", seen, "ann")


def test_of_two_prices_seen_at_once_the_lower_stays_in_whatever_order(shop: Shop) -> None:
    shop.policy(MATCH)
    shop.catalog(product("milk", 5.0), product("rye", 5.0))
    for name, order in (("milk", (4.0, 3.0)), ("rye", (3.0, 4.0))):
        for price in order:
            shop.seen(name, a=price)
    assert (shop.price("milk"), shop.price("rye")) == (3.0, 3.0)
