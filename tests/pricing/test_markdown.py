"""Markdown plans: what a reader sees by eye, and no better plan among all."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from services.pricing.domain.optimiser.markdown import Season, compare, plan, single_cut, weeks


def season(prices: list[float], means: list[list[float]], stock: int, salvage: float = 0.0) -> Season:
    return Season(np.array(prices), np.array(means), stock, salvage)


def test_one_week_two_prices() -> None:
    """Half price sells 30 of 30, full price 10: 15 at 5.00 is more than 10 at 10.00 when 30 must go."""
    many = season([10.0, 5.0], [[10.0, 30.0]], stock=60)
    best, value = plan(many)
    assert best[0, 60, 0] == 1
    assert value == pytest.approx(150.0, abs=0.1)
    few = season([10.0, 5.0], [[10.0, 30.0]], stock=5)
    assert plan(few)[0][0, 5, 0] == 0  # five sell anyway


def test_what_is_left_is_worth_its_salvage() -> None:
    """At 4.00 a piece of salvage, selling at 5.00 earns one more: too little for so many given up."""
    cut = season([10.0, 5.0], [[10.0, 24.0]], stock=60)
    kept = season([10.0, 5.0], [[10.0, 24.0]], stock=60, salvage=4.0)
    assert (plan(cut)[0][0, 60, 0], plan(kept)[0][0, 60, 0]) == (1, 0)


def test_cuts_come_late_and_only_with_much_left() -> None:
    known = season([10.0, 8.0, 6.0], [[10.0, 15.0, 24.0]] * 4, stock=60)
    best, value = plan(known)
    told = weeks(known, best)
    assert [week.price for week in told] == sorted((week.price for week in told), reverse=True)
    assert sum(week.revenue for week in told) == pytest.approx(value)
    assert [week.left for week in told] == sorted((week.left for week in told), reverse=True)
    for week in told:
        assert [price for _, price in week.steps] == sorted((p for _, p in week.steps), reverse=True)
    assert told[0].steps[0] == (1, 10.0)


def test_the_plan_beats_no_cut_and_the_best_single_one() -> None:
    known = season(
        [10.0, 9.0, 8.0, 7.0, 6.0, 5.0], [[8.0 * (p / 10) ** -2 for p in (10, 9, 8, 7, 6, 5)]] * 6, 100
    )
    found = compare(known, known.means[None], plan(known)[0])
    assert found.plan.revenue.value > found.single.revenue.value > found.keeping.revenue.value
    assert found.over_keeping.low > 0
    assert found.plan.left.value < found.keeping.left.value
    assert found.plan.revenue.value == pytest.approx(plan(known)[1], rel=0.01)
    assert (found.single_week, found.single_price) == (0, 7.0)


def test_no_cut_is_the_best_single_one_where_all_sells_anyway() -> None:
    assert single_cut(season([10.0, 5.0], [[50.0, 100.0]] * 2, stock=20)) == (0, 0)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 3),
    st.integers(0, 5),
    st.lists(st.floats(0.1, 6.0), min_size=3, max_size=3),
    st.floats(-1.0, 2.0),
    st.sampled_from([1.0, 2.5]),
)
def test_no_plan_among_all_brings_more(
    count: int, stock: int, means: list[float], salvage: float, dispersion: float
) -> None:
    known = replace(season([5.0, 4.0, 2.0], [sorted(means)] * count, stock, salvage), dispersion=dispersion)

    @cache
    def most(week: int, left: int, price: int) -> float:
        """By the book: every price not above the last, every demand."""
        if week == count:
            return salvage * left
        return max(brought(week, left, j) for j in range(price, 3))

    def brought(week: int, left: int, price: int) -> float:
        mean = known.means[week, price]
        chance = (
            stats.poisson(mean) if dispersion == 1 else stats.nbinom(mean / (dispersion - 1), 1 / dispersion)
        )
        sold = [(chance.pmf(d), d) for d in range(left)] + [(chance.sf(left - 1), left)]
        return sum(p * (known.prices[price] * d + most(week + 1, left - d, price)) for p, d in sold)

    best, value = plan(known)
    assert value == pytest.approx(most(0, stock, 0), abs=1e-9)
    assert sum(week.revenue for week in weeks(known, best)) + salvage * weeks(known, best)[-1].left == (
        pytest.approx(value, abs=1e-6)
    )
