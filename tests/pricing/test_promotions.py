"""Promotions: what a reader sees by eye, the 30 days kept, and no better calendar among all."""

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest

from services.pricing.domain.demand.crossing import CrossElasticity
from services.pricing.domain.limits import MICROS
from services.pricing.domain.optimiser.candidates import Item
from services.pricing.domain.optimiser.goals import Objective
from services.pricing.domain.optimiser.promotions import Calendar, Offer, Promotions, promotions
from services.pricing.domain.policy import Mode, Policy
from tests.pricing.optimiser_shop import item
from tests.pricing.shop import units

CALENDAR = Calendar(weeks=2, slots=1, depths=(200_000,), objective=Objective.REVENUE)


def offer(known: Item, references: list[float] | None = None, weeks: int = 2) -> Offer:
    return Offer(known, tuple(units(one) for one in references) if references else (known.price,) * weeks)


def told(found: Promotions) -> list[tuple[int, str, float]]:
    return [(one.week, one.item.product_id, one.price / MICROS) for one in found.chosen]


def test_the_products_that_gain_most_get_the_slots_each_once() -> None:
    offers = [
        offer(item(name, elasticity=e)) for name, e in (("a", -2.0), ("b", -4.0), ("c", -3.0), ("d", -0.5))
    ]
    found = promotions(offers, CALENDAR)
    assert sorted(name for _, name, _ in told(found)) == ["b", "c"]
    assert sorted(week for week, _, _ in told(found)) == [0, 1]
    best = next(one for one in found.chosen if one.item.product_id == "b")
    assert (best.price, best.percent, best.reference) == (units(8), 20, units(10))
    assert best.units.value == pytest.approx(100 * 0.8**-4 - 100)
    assert best.revenue.value == pytest.approx(800 * 0.8**-4 - 1000)
    assert found.gain.value == pytest.approx(sum(one.revenue.value for one in found.chosen))


def test_the_best_depth_is_chosen() -> None:
    known = offer(item("a", cost=5.0, elasticity=-4.0))
    deep = promotions(
        [known], replace(CALENDAR, depths=(100_000, 300_000, 400_000), objective=Objective.MARGIN)
    )
    assert told(deep)[0][2] == 7.0  # cost * 4 / 3 = 6.67 is the best price


def test_a_promotion_that_cannot_be_announced_is_not_planned() -> None:
    """It cost 8.00 three weeks ago: 20% off 10.00 is no reduction until that is 30 days past."""
    known = offer(item("a", elasticity=-4.0), [8.0, 10.0])
    assert told(promotions([known], CALENDAR)) == [(1, "a", 8.0)]
    assert told(promotions([offer(item("a", elasticity=-4.0), [8.0, 8.3])], CALENDAR)) == []


def test_the_next_promotion_of_a_product_begins_when_30_days_are_over() -> None:
    known = offer(item("a", elasticity=-4.0), weeks=13)
    weeks = [week for week, _, _ in told(promotions([known], replace(CALENDAR, weeks=13)))]
    assert len(weeks) == 3
    assert all(later - week >= 6 for week, later in pairwise(weeks))


def test_what_a_promotion_takes_from_others_counts_against_it() -> None:
    both = [offer(item("a", elasticity=-2.0)), offer(item("b", elasticity=-0.5))]
    free = promotions(both, CALENDAR)
    assert told(free) == [(free.chosen[0].week, "a", 8.0)]
    paid = promotions(both, replace(CALENDAR, cannibalised=500_000))
    assert not paid.chosen  # 56.25 pieces more, half of them taken at 10.00: 281.25 of 250.00
    cross = promotions(both, CALENDAR, {"a": {"b": CrossElasticity("b", 1.0)}})
    (chosen,) = cross.chosen
    assert chosen.taken.value == pytest.approx(100 * (1 - 0.8) * 10)
    assert cross.gain.value == pytest.approx(chosen.revenue.value - 200.0)


def test_rules_bound_a_promotion_and_doubt_is_not_promoted() -> None:
    floor = Policy(mode=Mode.PROPOSE, currency="USD", floor=units(9))
    assert told(promotions([offer(item("a", elasticity=-4.0, policy=floor))], CALENDAR))[0][2] == 9.0
    unsure = item("a", elasticity=-2.0, error=1.0, prior_only=True)
    assert not promotions([offer(unsure)], CALENDAR).chosen
    (skipped,) = promotions(
        [offer(item("a", cost=None))], replace(CALENDAR, objective=Objective.MARGIN)
    ).skipped
    assert skipped[0] == "a"


@pytest.mark.parametrize("seed", range(8))
def test_no_calendar_among_all_brings_more(seed: int) -> None:
    draw = np.random.default_rng(seed)
    offers = [
        offer(
            item(f"p{n}", elasticity=float(draw.uniform(-4, -1)), sells=float(draw.uniform(10, 90))),
            [float(draw.choice([8.2, 9.0, 10.0])) for _ in range(3)],
        )
        for n in range(4)
    ]
    calendar = replace(CALENDAR, weeks=3, depths=(200_000, 300_000))
    found = promotions(offers, calendar)
    alone = {
        (n, week): promotions(
            [Offer(one.item, one.references[week : week + 1])], replace(calendar, weeks=1)
        ).gain.value
        for n, one in enumerate(offers)
        for week in range(3)
    }
    best = max(
        sum(alone[pair] for pair in picked)
        for size in range(4)
        for picked in combinations(alone, size)
        if len({n for n, _ in picked}) == len({week for _, week in picked}) == size
    )
    assert found.gain.value == pytest.approx(best, abs=1e-6)
    assert found.gap == pytest.approx(0, abs=1e-6)
