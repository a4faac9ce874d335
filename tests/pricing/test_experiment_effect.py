"""Effects of experiments: coins, pairs, and intervals that hold what they say in invented markets."""

import numpy as np
import pytest

from services.pricing.domain.experiment.design import Arm, Kind, Subject, arms, matched, paired
from services.pricing.domain.experiment.effect import Pair, effect, effect_so_far
from services.pricing.domain.experiment.experiment import Experiment, Status, Timing, Tried
from services.pricing.domain.experiment.outcomes import Assignment, Tally, Window, kept, windows
from services.pricing.domain.limits import DAY
from tests.pricing.experiment_worlds import PRODUCTS, SWITCHBACK, World, played
from tests.pricing.shop import units


def test_of_each_pair_one_is_treated_and_the_same_seed_throws_the_same() -> None:
    thrown = arms(7, 400)
    assert all(sorted(pair) == [Arm.CONTROL, Arm.TREATMENT] for pair in thrown)
    assert arms(7, 10) == thrown[:10]
    assert arms(8, 400) != thrown
    assert 160 < sum(first is Arm.TREATMENT for first, _ in thrown) < 240


def test_days_are_paired_with_the_same_day_of_the_next_week() -> None:
    assert paired(14, DAY) == [(day, day + 7) for day in range(7)]
    assert paired(28, DAY)[7:9] == [(14, 21), (15, 22)]
    assert paired(10, DAY) == [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]  # no whole weeks: neighbours
    assert paired(4, 5 * DAY) == [(0, 1), (2, 3)]


def test_products_are_paired_with_what_is_alike() -> None:
    shop = [Subject("a", "tea", 1, 90), Subject("b", "tea", 1, 10), Subject("c", "tea", 1, 80)]
    shop += [Subject("d", "rye", 1, 9), Subject("e", "rye", 1, 7), Subject("f", "ham", 1, 5)]
    pairs = [(one.product_id, other.product_id) for one, other in matched(shop)]
    assert pairs == [("d", "e"), ("a", "c"), ("b", "f")]
    assert len(matched(shop[:3])) == 1


def test_an_effect_without_noise_is_told_exactly() -> None:
    found = effect([Pair(12.0 + n, 10 * (12.0 + n) / 12) for n in range(8)])
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.2, 0.2), abs=1e-6)
    assert found.p_value == pytest.approx(2 / 2**8)  # all eight coins on one side


def test_few_pairs_tell_nothing_and_pairs_that_sold_nothing_do_not_count() -> None:
    assert effect([Pair(2.0, 1.0)] * 4 + [Pair(0.0, 0.0)]) is None
    assert effect_so_far([Pair(2.0, 1.0)] * 4, 14) is None


def test_one_wild_week_does_not_decide() -> None:
    found = effect([Pair(100.0 + n, 100.0 - n) for n in range(-6, 7)] + [Pair(1e6, 100.0)])
    assert found is not None
    assert found.low < 0 < found.high < 1


def experiment() -> Experiment:
    """Ten days of milk at 4 or 3.6; a quarter of each day is not counted."""
    timing = Timing(DAY, 10, DAY // 4)
    milk = Tried("milk", "USD", units(4), units(3.6), units(2))
    return Experiment(1, "default", Kind.SWITCHBACK, timing, 1, (milk,), "ann", "e", 0, Status.ENDED, began=0)


def test_what_is_sold_counts_for_the_block_that_is_whole() -> None:
    assigned = [
        Assignment(0, Arm.TREATMENT, 0),
        Assignment(1, Arm.CONTROL, DAY),
        Assignment(2, Arm.CONTROL, 3 * DAY - 9),
    ]
    counted = windows(experiment(), assigned, 10 * DAY)
    assert [(one.unit, one.start, one.end) for one in counted] == [
        (0, DAY // 4, DAY),
        (1, 5 * DAY // 4, 2 * DAY),  # the third day's price was set too late
    ]
    tally = Tally(experiment(), counted)
    for product_id, day in (("milk", 0.1), ("milk", 0.3), ("milk", 1.5), ("rye", 1.5), ("milk", 2.5)):
        tally.add(product_id, "USD", round(day * DAY), units(3.6), 2)
    tally.add("milk", "EUR", DAY // 2, units(3.6), 2)
    assert tally.arm(Arm.TREATMENT) == pytest.approx({"units": 2, "revenue": 7.2, "margin": 3.2})
    ((treated, control, _),) = tally.pairs("units")
    assert treated == control > 0


def test_how_long_prices_were_as_chance_gave_them() -> None:
    counted = [Window(0, Arm.TREATMENT, 0, 100), Window(1, Arm.CONTROL, 100, 200)]
    assert kept(experiment(), counted, {"milk": [(0, units(3.6)), (100, units(4))]}) == 1.0
    assert kept(experiment(), counted, {"milk": [(50, units(3.6)), (120, units(4))]}) == pytest.approx(0.65)
    assert kept(experiment(), counted, {}) == 0.5


WORLDS = {"28 days": SWITCHBACK["a category, 28 days"], "40 products": PRODUCTS["40 products, 4 weeks"]}


@pytest.mark.parametrize("name", WORLDS)
def test_intervals_hold_a_known_effect_and_find_none_where_there_is_none(name: str) -> None:
    held, found = [], []
    for seed in range(200):
        pairs, truth = played(WORLDS[name], -0.1, seed)
        seen = effect(pairs)
        none = effect(played(WORLDS[name], 0.0, 1_000 + seed)[0])
        assert seen is not None
        assert none is not None
        held.append(seen.low <= truth <= seen.high)
        found.append(not none.low <= 0 <= none.high)
    assert 0.85 <= np.mean(held) <= 0.95
    assert 0.05 <= np.mean(found) <= 0.14  # of 10%, give or take what 200 experiments leave to chance


def test_looking_after_every_pair_finds_an_effect_in_few_that_have_none() -> None:
    world, fooled = World(pairs=28), 0
    for seed in range(120):
        pairs, _ = played(world, 0.0, seed)
        looks = (effect_so_far(pairs[:count], 28) for count in range(5, 29))
        fooled += any(not one.low <= 0 <= one.high for one in looks if one)
    assert fooled / 120 <= 0.1
