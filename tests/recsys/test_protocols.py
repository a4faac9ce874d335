"""What each protocol holds out, on data whose right answer is seen by eye."""

import numpy as np
import pytest

from services.recsys.domain.interactions import Interactions, Past, interactions_of, past_of
from services.recsys.domain.protocols import (
    PROTOCOLS,
    BadDataError,
    Cases,
    fixed_split,
    last_weeks,
    leave_one_out,
    next_basket,
)

WEEK = 7 * 24 * 3600


def pasts(data: Interactions) -> list[list[int]]:
    """Each user's items."""
    return [data.past(user).items.tolist() for user in range(data.users)]


def wants(cases: Cases) -> list[list[int]]:
    """Each case's wanted items."""
    return [sorted(row.indices.tolist()) for row in cases.wanted]


def baskets(*rows: list[int]) -> Past:
    """A past of these baskets, a week apart."""
    items = [item for row in rows for item in row]
    number = np.repeat(np.arange(len(rows)), [len(row) for row in rows]).astype(np.int32)
    return Past(np.array(items, np.int32), number, number * float(WEEK))


def test_leave_one_out_holds_out_the_last_item_and_chooses_by_the_one_before():
    split = leave_one_out(interactions_of(6, [past_of([0, 1, 2, 3]), past_of([4, 5]), past_of([3, 2, 1])]))
    assert pasts(split.train) == [[0, 1], [4, 5], [3]]
    assert (split.validation.users.tolist(), wants(split.validation)) == ([0, 2], [[2], [2]])
    assert pasts(split.validation.past) == [[0, 1], [3]]
    assert pasts(split.full) == [[0, 1, 2], [4, 5], [3, 2]]
    assert (split.test.users.tolist(), wants(split.test)) == ([0, 2], [[3], [1]])
    assert pasts(split.test.past) == [[0, 1, 2], [3, 2]]
    assert not split.test.repeats


def test_fixed_split_takes_its_test_from_the_file_and_draws_a_tenth_to_choose_by():
    data = interactions_of(60, [past_of(list(range(40))), past_of([50]), past_of([])])
    future = interactions_of(60, [past_of([41, 42]), past_of([]), past_of([43])])
    split = fixed_split(data, future)
    assert (split.test.users.tolist(), wants(split.test)) == ([0, 2], [[41, 42], [43]])
    assert pasts(split.test.past) == [list(range(40)), []]
    assert split.full is data
    held = wants(split.validation)
    assert split.validation.users.tolist() == [0]
    assert len(held[0]) == 4
    assert sorted(pasts(split.train)[0] + held[0]) == list(range(40))
    assert wants(fixed_split(data, future).validation) == held
    assert wants(fixed_split(data, future, seed=1).validation) != held


def test_next_basket_allows_repeats_and_chooses_by_the_last_basket_of_the_history():
    data = interactions_of(5, [baskets([0, 1], [0, 2], [3, 0]), baskets([1])])
    future = interactions_of(5, [baskets([0, 4]), baskets([1])])
    split = next_basket(data, future)
    assert pasts(split.train) == [[0, 1, 0, 2], [1]]
    assert (split.validation.users.tolist(), wants(split.validation)) == ([0], [[0, 3]])
    assert pasts(split.test.past) == [[0, 1, 0, 2, 3, 0], [1]]
    assert wants(split.test) == [[0, 4], [1]]
    assert split.test.repeats


def test_next_basket_without_a_test_file_holds_out_each_users_last():
    split = next_basket(
        interactions_of(5, [baskets([0, 1], [0, 2], [3, 0]), baskets([1], [2]), baskets([4])])
    )
    assert pasts(split.train) == [[0, 1], [1], [4]]
    assert (split.validation.users.tolist(), wants(split.validation)) == ([0], [[0, 2]])
    assert (split.test.users.tolist(), wants(split.test)) == ([0, 1], [[0, 3], [2]])
    assert pasts(split.full) == [[0, 1, 0, 2], [1], [4]]


def test_last_weeks_cuts_everybody_at_the_same_moment():
    first, second = baskets(*([item] for item in range(11))), baskets([12], [11])
    data = interactions_of(13, [first, second])
    split = last_weeks(data, weeks=2)
    assert wants(split.test) == [[9, 10]]
    assert pasts(split.test.past) == [[0, 1, 2, 3, 4, 5, 6, 7, 8]]
    assert wants(split.validation) == [[7, 8]]
    assert pasts(split.train) == [[0, 1, 2, 3, 4, 5, 6], [12, 11]]
    assert pasts(split.full) == [[0, 1, 2, 3, 4, 5, 6, 7, 8], [12, 11]]
    # A fifth of ten weeks is the most that is held out.
    assert wants(last_weeks(data, weeks=4).test) == [[9, 10]]


def test_a_part_of_the_cases_is_drawn_by_a_seed():
    cases = leave_one_out(interactions_of(9, [past_of([user, 7, 8]) for user in range(5)])).test
    part = cases.part(2)
    assert len(part) == 2
    assert [row[0] for row in pasts(part.past)] == part.users.tolist()
    assert cases.part(5) is cases
    assert part.users.tolist() == cases.part(2).users.tolist()


@pytest.mark.parametrize("name", ["leave-one-out", "last-weeks"])
def test_a_test_file_that_has_no_place_is_refused(name: str):
    data = interactions_of(3, [past_of([0, 1, 2])])
    with pytest.raises(BadDataError, match="no test file"):
        PROTOCOLS[name](data, data)


def test_fixed_split_without_a_test_file_is_refused():
    with pytest.raises(BadDataError, match="--test FILE"):
        fixed_split(interactions_of(3, [past_of([0, 1, 2])]))


@pytest.mark.parametrize("name", ["leave-one-out", "next-basket", "last-weeks"])
def test_nothing_that_is_held_out_can_be_learnt(name: str):
    draws = np.random.default_rng(0)
    data = interactions_of(
        30, [baskets(*draws.integers(0, 30, (int(draws.integers(1, 9)), 2)).tolist()) for _ in range(40)]
    )
    split = PROTOCOLS[name](data, None)
    assert len(split.test) > 10
    for learnt, cases in ((split.train, split.validation), (split.full, split.test)):
        for case, user in enumerate(cases.users.tolist()):
            kept, whole = pasts(learnt)[user], pasts(data)[user]
            assert whole[: len(kept)] == kept
            assert set(wants(cases)[case]) <= set(whole[len(kept) :])
            assert cases.past.past(case).items.tolist() == kept
