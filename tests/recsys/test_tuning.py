"""Choosing on validation: the better model, the better settings, and a blend where it is worth its cost."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from services.recsys.domain import members, trial, tuning, worth
from services.recsys.domain.choice import Tuned
from services.recsys.domain.comparison import rank
from services.recsys.domain.grids import GRIDS
from services.recsys.domain.interactions import Interactions, interactions_of, past_of
from services.recsys.domain.models.hybrid import Hybrid
from services.recsys.domain.models.registry import MODELS
from services.recsys.domain.protocols import PROTOCOLS, Cases, Split, leave_one_out
from services.recsys.domain.trial import differences, run


@pytest.fixture(scope="module")
def data() -> Interactions:
    """Two hundred shoppers in four corners of a shop: each takes six of the ten products of a corner."""
    draws = np.random.default_rng(0)
    return interactions_of(
        40,
        [
            past_of((corner * 10 + draws.permutation(10)[:6]).tolist())
            for corner in range(4)
            for _ in range(50)
        ],
    )


def test_every_grid_is_of_models_that_there_are_and_of_settings_that_they_take():
    assert set(GRIDS) == set(PROTOCOLS)
    for grids in GRIDS.values():
        for name, grid in grids.items():
            MODELS[name](**{setting: values[0] for setting, values in grid.items()})
            assert all(len(set(values)) == len(values) > 1 for values in grid.values())


def test_the_model_that_foresees_the_validation_part_is_chosen(data: Interactions):
    choice = tuning.choose("leave-one-out", leave_one_out(data), names=("popularity", "cooccurrence"))
    assert choice.members[0][0] == "cooccurrence"
    assert choice.goal == max(goal for _, _, goal, _ in choice.tried) or len(choice.members) > 1
    assert {name for name, *_ in choice.tried} == {"popularity", "cooccurrence"}


def test_settings_are_varied_one_after_the_other_and_the_best_are_chosen(data: Interactions):
    choice = tuning.choose("leave-one-out", leave_one_out(data), names=("cooccurrence",))
    grid = GRIDS["leave-one-out"]["cooccurrence"]
    assert len(choice.tried) == 1 + sum(len(values) - 1 for values in grid.values())
    best = max(choice.tried, key=lambda one: one.goal)
    assert choice.members == (("cooccurrence", best.settings),)
    assert all(one.seconds > 0 for one in choice.tried)


def test_what_would_take_hours_must_be_asked_for(data: Interactions, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tuning, "GRIDS", {"few": {"popularity": {}, "cooccurrence": {}}})
    monkeypatch.setattr(tuning, "MOST_LINES", {"cooccurrence": 100})
    split = leave_one_out(data)
    assert {name for name, *_ in tuning.choose("few", split).tried} == {"popularity"}
    assert {name for name, *_ in tuning.choose("few", split, ("cooccurrence",)).tried} == {"cooccurrence"}


def test_models_that_cannot_learn_here_are_left_out_or_told(
    data: Interactions, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "torch", None)
    split = leave_one_out(data)
    assert tuning.choose("leave-one-out", split, ("sasrec", "popularity")).members[0][0] == "popularity"
    with pytest.raises(ValueError, match=r"sasrec cannot learn: .*torch"):
        tuning.choose("leave-one-out", split, ("sasrec",))


def test_the_test_part_has_no_say(data: Interactions):
    split = leave_one_out(data)
    shuffled = np.random.default_rng(1).permutation(len(split.test))
    other = type(split)(
        split.train,
        split.validation,
        split.full,
        type(split.test)(split.test.users, split.test.past, split.test.wanted[shuffled], False),
    )
    names = ("session", "cooccurrence", "popularity")
    first, second = (tuning.choose("leave-one-out", each, names) for each in (split, other))
    assert (first.members, first.weights, first.goal) == (second.members, second.weights, second.goal)
    assert [one.goal for one in first.tried] == [one.goal for one in second.tried]


def test_a_trial_tells_its_choice_figures_and_costs(data: Interactions):
    split = leave_one_out(data)
    first, second = run("leave-one-out", split, "cooccurrence"), run("leave-one-out", split, "popularity")
    assert first.summary()["recall@10"].value > second.summary()["recall@10"].value
    assert differences(first, second)["recall@10"].low > 0
    assert first.fitting >= 0
    assert first.peak_mib > 10
    assert first.choice.told()["members"][0]["model"] == "cooccurrence"


def test_an_unknown_model_is_refused_with_those_that_there_are(data: Interactions):
    with pytest.raises(ValueError, match=r"no model 'magic'; there are: .*cooccurrence"):
        run("leave-one-out", leave_one_out(data), "magic")


def test_data_without_a_case_are_refused():
    split = leave_one_out(interactions_of(3, [past_of([0, 1])]))
    with pytest.raises(ValueError, match="nothing to foresee"):
        run("leave-one-out", split, "popularity")


@pytest.fixture(scope="module")
def halves() -> Split:
    """What is last, and last but one, is held out. Thirty shoppers want what goes with the product that they
    took; thirty, who have nothing in common with anybody, want 90, which most took.
    """
    pairs = [past_of([pair, pair + 1, 191, 192]) for pair in range(0, 60, 2)] * 2
    popular = [past_of([90, 91 + user, 193, 194]) for user in range(9)]
    paired = [past_of([100 + pair, pair, pair + 1, 195]) for pair in range(0, 60, 2)]
    lone = [past_of([101 + 2 * user, 160 + user, 90, 196]) for user in range(30)]
    return leave_one_out(interactions_of(200, pairs + popular + paired + lone))


def test_models_that_know_different_halves_are_blended(halves: Split):
    choice = tuning.choose("leave-one-out", halves, names=("popularity", "cooccurrence"))
    alone = max(goal for _, _, goal, _ in choice.tried)
    assert len(choice.members) == 2
    assert choice.goal > alone * (1 + worth.GAIN)
    assert isinstance(choice.build(), Hybrid)


@pytest.mark.parametrize(("seconds", "kept"), [(0.1, 2), (1.0, 2), (1e30, 1)])
def test_a_member_that_costs_more_than_it_brings_is_left_out(halves: Split, seconds: float, kept: int):
    bench = tuning.bench_of(halves, 10)
    tuned = [tuned_as(name, bench) for name in ("popularity", "cooccurrence")]
    chief = members.first(tuned)
    dear = [each if each is chief else replace(each, seconds=seconds) for each in tuned]
    choice = members.blend(dear, bench.cases, 10, lambda *_: None)
    assert len(choice.members) == kept
    assert choice.members[0] == (chief.name, chief.settings)


def test_of_two_models_as_good_the_cheaper_comes_first(halves: Split):
    one = tuned_as("popularity", tuning.bench_of(halves, 10))
    dear = replace(one, name="dear", seconds=4.0)
    assert members.first([dear, one]) is one
    assert members.first([one, replace(dear, goal=one.goal * 1.2)]).name == "dear"


def tuned_as(name: str, bench: tuning.Bench) -> Tuned:
    """A model of this name with its defaults, tried for nothing."""
    model = MODELS[name]().fit(bench.train)
    goal = tuning.goal(rank(model, bench.cases, bench.cut), bench.cases, bench.cut)
    return Tuned(name, {}, model, goal, 0.0)


def test_each_doubling_of_cpu_must_bring_its_share():
    assert [worth.doublings(seconds) for seconds in (0.0, 0.1, 0.2, 0.8, 0.9, 102.4)] == [0, 0, 1, 3, 3, 10]
    assert worth.needed(1.0, 1.0) == worth.needed(1.0, 2.0) == worth.GAIN
    assert worth.needed(1.0, 8.0) == pytest.approx(3 * worth.GAIN)
    assert worth.worth(0.1, 3.2) < worth.worth(0.1, 1.6) < worth.worth(0.1, 0.0) == 0.1


def test_settings_of_large_data_are_tried_on_some_of_the_shoppers(
    data: Interactions, monkeypatch: pytest.MonkeyPatch
):
    split = leave_one_out(data)
    monkeypatch.setattr(tuning, "MOST_TRIED", len(split.train.item) // 4)
    bench = tuning.bench_of(split, 10)
    assert bench.train.users == len(bench.cases) == data.users // 4
    assert bench.train.items == data.items
    for case, user in enumerate(bench.cases.users.tolist()):
        assert bench.cases.past.past(case).items.tolist() == bench.train.past(user).items.tolist()
    assert bench_is_part_of(bench, split)


def bench_is_part_of(bench: tuning.Bench, split: Split) -> bool:
    """Every case of the bench is one of the split's: the same past, and the same wanted item."""

    def facts(cases: Cases) -> set[tuple[tuple[int, ...], int]]:
        pasts = (tuple(cases.past.past(case).items.tolist()) for case in range(len(cases)))
        return set(zip(pasts, cases.wanted.indices.tolist(), strict=True))

    return facts(bench.cases) <= facts(split.validation)


def test_without_validation_cases_the_first_settings_are_taken():
    lines = interactions_of(4, [past_of([0, 1]), past_of([2])])
    split = PROTOCOLS["fixed-split"](lines, interactions_of(4, [past_of([3]), past_of([])]))
    assert len(split.validation) == 0
    choice = run("fixed-split", split).choice
    assert len(choice.members) == 1
    assert len({name for name, *_ in choice.tried}) == len(choice.tried)


def test_of_many_test_cases_some_are_asked(data: Interactions, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trial, "CASES", 50)
    assert len(run("leave-one-out", leave_one_out(data), "popularity").cases) == 50


def test_what_is_searched_with_fewer_items_is_tried_with_all_in_the_end(
    data: Interactions, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tuning, "SEARCHED_WITH", {"ease": {"most": 20}})
    choice = tuning.choose("leave-one-out", leave_one_out(data), ("ease",))
    *searched, last = [settings for _, settings, *_ in choice.tried]
    assert all(settings["most"] == 20 for settings in searched)
    assert "most" not in last
    assert choice.members[0][1] in (last, {**last, "most": 20})
