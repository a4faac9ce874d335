"""The price pipeline: bounds are always kept, in the order documented, with integers only."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.pricing.domain import words
from services.pricing.domain.competitor import CompetitorRule, Following, Rival
from services.pricing.domain.limits import MAX_AMOUNT, MICROS
from services.pricing.domain.pipeline import Rule, day_range, margin_floor, moves, with_ending
from services.pricing.domain.policy import Policy
from services.pricing.domain.product import Facts, Money, Product
from services.pricing.domain.terms import Terms

amounts = st.one_of(st.integers(0, 30 * MICROS), st.integers(0, MAX_AMOUNT))
shares = st.integers(0, MICROS - 1)


def facts(price: int, cost: int | None) -> Facts:
    return Facts(Product(Money("USD", price), None if cost is None else Money("USD", cost)))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    floor, ceiling = draw(st.none() | amounts), draw(st.none() | amounts)
    if floor is not None and ceiling is not None and floor > ceiling:
        floor, ceiling = ceiling, floor
    endings = tuple(sorted(draw(st.sets(st.integers(0, MICROS - 1), max_size=10))))
    step = draw(st.just(0) | st.integers(1, MICROS))
    kind = draw(st.none() | st.sampled_from(Following))
    rule = CompetitorRule(kind, draw(st.integers(1, MICROS - 1))) if kind else None
    policy = Policy("default", "market", "", draw(shares), "USD", floor, ceiling, endings, step)
    return replace(policy, competitor=rule)


ORDER = [
    Rule.BASIS,
    Rule.MARGIN_FLOOR,
    Rule.FLOOR,
    Rule.CEILING,
    Rule.DAILY_STEP,
    Rule.COMPETITOR,
    Rule.ENDING,
]


@settings(max_examples=500)
@given(amounts, st.none() | amounts, policies(), st.none() | amounts, st.none() | amounts)
def test_every_price_keeps_its_bounds(
    base: int, cost: int | None, policy: Policy, day_ago: int | None, rival: int | None
) -> None:
    made = moves(base, cost, policy, day_ago, rival)
    price = made[-1].after
    assert isinstance(price, int)
    assert made == moves(base, cost, policy, day_ago, rival)
    assert all(before.after == after.before for before, after in pairwise(made))
    assert [move.rule for move in made] == [rule for rule in ORDER if rule in {move.rule for move in made}]
    low = max(margin_floor(cost, policy.min_margin) if cost is not None else 0, policy.floor or 0)
    assert price >= low
    if policy.ceiling is not None:
        assert price <= max(policy.ceiling, low)
    if policy.max_daily_step and day_ago is not None:
        least, most = day_range(day_ago, policy.max_daily_step)
        high = max(low, policy.ceiling) if policy.ceiling is not None else None
        assert price >= (least if high is None else min(least, high))
        assert price <= max(most, low)
    if policy.competitor and rival is not None:
        wanted = policy.competitor.bounds(rival)
        before = moves(base, cost, replace(policy, competitor=None, endings=()), day_ago)[-1].after
        assert min(before, wanted[0]) <= price <= max(before, wanted[1])  # it only ever moves towards them
    for move in made:
        seen = None if rival is None else Rival("other", "USD", rival, 0)
        assert words.step(move, facts(base, cost), Terms(policy, rival=seen), day_ago)


@given(amounts, st.integers(0, MICROS - 1))
def test_the_margin_floor_is_the_least_amount_that_keeps_the_margin(cost: int, min_margin: int) -> None:
    price = margin_floor(cost, min_margin)
    assert price * (MICROS - min_margin) >= cost * MICROS or price == 9 * 10**18
    assert cost == 0 or (price - 1) * (MICROS - min_margin) < cost * MICROS


@given(st.integers(1, 50 * MICROS), st.sets(st.integers(0, MICROS - 1), min_size=1, max_size=4), st.data())
def test_the_nearest_allowed_ending_is_found_by_looking_at_all(
    price: int, endings: set[int], data: st.DataObject
) -> None:
    low, high = data.draw(st.integers(0, price)), data.draw(st.integers(price, 60 * MICROS))
    everything = [unit * MICROS + ending for unit in range(62) for ending in endings]
    fitting = [amount for amount in everything if max(low, 1) <= amount <= high]
    nearest = min(fitting, key=lambda amount: (abs(amount - price), amount), default=price)
    assert with_ending(price, tuple(endings), low, high) == nearest


def test_the_words_of_each_step() -> None:
    policy = Policy(
        min_margin=200_000,
        currency="USD",
        floor=2_600_000,
        ceiling=5_000_000,
        endings=(990_000,),
        max_daily_step=100_000,
    )
    made = moves(2_000_000, 2_000_000, policy, 3_000_000)
    assert [
        (move.rule, words.step(move, facts(2_000_000, 2_000_000), Terms(policy), 3_000_000)) for move in made
    ] == [
        (Rule.BASIS, "list price 2.00"),
        (Rule.MARGIN_FLOOR, "cost 2.00 and a margin of 20% need at least 2.50"),
        (Rule.FLOOR, "the floor is 2.60"),
        (Rule.CEILING, "the ceiling is 5.00"),
        (Rule.DAILY_STEP, "3.00 a day ago and 10% a day allow 2.70 to 3.30"),
        (Rule.ENDING, "may end in .99"),
    ]
    assert [words.amount(move.after) for move in made] == ["2.00", "2.50", "2.60", "2.60", "2.70", "2.99"]


def test_words_say_what_gave_way() -> None:
    policy = Policy(currency="USD", ceiling=5_000_000, endings=(990_000,), max_daily_step=10_000)
    texts = [
        words.step(move, facts(9 * MICROS, 6 * MICROS), Terms(policy), 4_000_000)
        for move in moves(9 * MICROS, 6 * MICROS, policy, 4 * MICROS)
    ]
    assert texts[2:] == [
        "the ceiling is 5.00, which gives way to the floor 6.00",
        "4.00 a day ago and 1% a day allow 3.96 to 4.04, which gives way to floor and ceiling",
        "may end in .99, but no such price keeps the bounds",
    ]
