"""Substitutes: found where they are, none where there are none, and counted where prices are chosen."""

from dataclasses import replace

import numpy as np
import pytest

from services.pricing.domain.demand.assessment import fit_weeks, forecast, substituting, wape
from services.pricing.domain.demand.crossing import Crossing
from services.pricing.domain.demand.level import Settings
from services.pricing.domain.demand.response import Response
from services.pricing.domain.demand.substitutes import index
from services.pricing.domain.limits import MICROS
from services.pricing.domain.optimiser.beside import beside
from services.pricing.domain.optimiser.doubt import BEND
from services.pricing.domain.optimiser.goals import Goals, Objective
from services.pricing.domain.optimiser.optimise import optimise
from services.pricing.domain.optimiser.promotions import Calendar, Offer, promotions
from tests.pricing import worlds
from tests.pricing.optimiser_shop import NOW, item

EARLIER, HELD = range(41, 46), range(46, 50)
SETTINGS = Settings(0.8, 0.2)
ALIKE = worlds.World(products=100, categories=4, noise=0.3)


def found(made: worlds.Shop) -> np.ndarray:
    alone = forecast(made.weeks, EARLIER, SETTINGS)
    return substituting(made.weeks, EARLIER, SETTINGS, alone)


def test_the_index_is_of_the_others_by_what_they_sell() -> None:
    price = np.array([[0.1], [0.2], [0.4], [0.8]])
    told = index(price, np.array([10.0, 30.0, 10.0, 5.0]), np.array([0, 0, 0, 1]))
    assert told[:, 0] == pytest.approx([(30 * 0.2 + 10 * 0.4) / 40, (0.1 + 0.4) / 2, (1 + 6) / 40, 0.0])


def test_substitutes_are_found_with_honest_intervals_and_forecast_better() -> None:
    made = worlds.shop(replace(ALIKE, cross=1.2, common=0.1), seed=3)
    kept = found(made)
    assert kept.sum() >= 2
    demand, _ = fit_weeks(made.weeks, made.weeks.prices(), 50, SETTINGS, kept)
    crossed = kept[made.weeks.category]
    apart = np.abs(demand.coefficients[:, -1] - made.cross)[crossed]
    assert (apart < 1.6449 * demand.errors[crossed, -1]).mean() >= 0.8
    assert demand.coefficients[crossed, -1].mean() == pytest.approx(1.2, abs=0.35)
    assert not demand.coefficients[~crossed, -1].any()
    beside_others, alone = (forecast(made.weeks, HELD, SETTINGS, one) for one in (kept, kept & False))
    assert wape(beside_others.expected, beside_others.units) < wape(alone.expected, alone.units)


def test_where_there_are_no_substitutes_none_are_found() -> None:
    for seed, world in ((1, replace(ALIKE, common=0.1)), (2, replace(ALIKE, season=0.5))):
        assert not found(worlds.shop(world, seed)).any()


def crossing(*items: object) -> Crossing:
    return Crossing([one.response for one in items])  # type: ignore[attr-defined]


def test_who_answers_to_whose_price() -> None:
    known = [
        Response(
            "a", "Tea", "USD", 4.0, 60.0, -2.0, 0.2, False, cross_elasticity=1.0, cross_error=0.2, sold=30.0
        ),
        Response("b", "Tea", "USD", 4.0, 20.0, -2.0, 0.2, False, sold=10.0),
        Response("c", "Tea", "USD", 4.0, 60.0, -2.0, 0.2, False, sold=30.0),
        Response("d", "Rye", "USD", 4.0, 60.0, -2.0, 0.2, False, sold=30.0),
    ]
    told = Crossing(known)
    assert {name: one.elasticity for name, one in told["c"].items()} == {"a": pytest.approx(0.75)}
    assert told["a"] == {}
    assert [tuple(one) for one in told.nearest("a", 1)] == [("c", pytest.approx(0.75), pytest.approx(0.15))]
    assert ("d" in told, "c" in told) == (False, True)
    assert told.nearest("b", 5) == []


def test_a_price_is_credited_with_what_the_others_gain() -> None:
    """Alone each would be cut; where one takes what the other loses, both become dearer."""
    goals = Goals(objective=Objective.REVENUE)
    apart = [item(name, elasticity=-1.5, goals=goals) for name in ("a", "b")]
    twins = [item(name, elasticity=-1.5, goals=goals, cross=0.9) for name in ("a", "b")]
    assert all(one.price < 10 * MICROS for one in optimise(apart, NOW).changes)
    dearer = optimise(twins, NOW, crossing=crossing(*twins))
    assert [one.price > 10 * MICROS for one in dearer.changes] == [True, True]
    a, b = dearer.changes
    assert a.units.value == pytest.approx(
        100 * 1.1 ** (-1.5 + 0.9) * np.exp(-0.75 * BEND[0] * np.log(1.1) ** 2) - 100, rel=0.01
    )
    assert dearer.revenue.value == pytest.approx(a.revenue.value + b.revenue.value)
    assert any("other products of its category gain" in text for text in a.constraints)


def test_effects_on_others_are_drawn_with_their_doubt() -> None:
    twins = [item("a", cross=0.5, cross_error=0.2), item("b")]
    told = beside(twins, crossing(*twins)).effect(np.array([0.0, 0.1]))
    assert told[0].mean() == pytest.approx(np.exp(0.05), rel=0.01)
    assert told[0].std() == pytest.approx(0.02, rel=0.1)
    assert (told[1] == 1).all()


def test_a_promotion_takes_from_substitutes_by_what_was_learnt() -> None:
    calendar = Calendar(weeks=1, slots=1, depths=(200_000,), objective=Objective.REVENUE)
    both = [item("a", elasticity=-2.0), item("b", elasticity=-0.5, cross=1.0, cross_error=0.3)]
    (chosen,) = promotions([Offer(one, (one.price,)) for one in both], calendar, crossing(*both)).chosen
    assert chosen.taken.value == pytest.approx(100 * (1 - 0.8) * 10, rel=0.02)
    assert chosen.taken.low < 170 < 230 < chosen.taken.high + 10
