"""What was drawn, shown and done, joined: by events as shops send them, late, twice and wrong."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from services.recsys.domain.exploration.responses import SKEW, WINDOW, Done, Shown, join
from services.recsys.domain.exploration.slots import Drawn, Slot

SLOT = Slot(3, ["a", "b"], np.array([[1, 1, 0.5], [1, 0.9, 0.3]]), np.array([0.75, 0.25]), 1)
DRAWN = Drawn("r1", "user:ann", 1000.0, "untaught", [SLOT])
SEEN = Shown("r1", "b", 3, 1010.0)
CLICK = Done("r1", "b", 1020.0)


def told(drawn=(DRAWN,), shown=(SEEN,), done=(CLICK,)):
    """The responses, and the counts that are not 0 but for the slates."""
    outcomes, counts = join(drawn, shown, done)
    return [one.response for one in outcomes], {
        name: count for name, count in counts.items() if count and name != "slates"
    }


def test_a_click_answers_what_was_shown():
    assert told() == ([1.0], {})
    assert told(done=()) == ([0.0], {})
    assert told(done=[Done("r1", "a", 1020.0), Done("r9", "b", 1020.0)]) == ([0.0], {})


def test_what_comes_twice_counts_once():
    assert told(shown=[SEEN, SEEN], done=[CLICK, CLICK]) == (
        [1.0],
        {"impressions again": 1, "responses again": 1},
    )


def test_a_click_without_an_impression_teaches_nothing():
    assert told(shown=()) == ([], {"slates not shown": 1, "responses without an impression": 1})


def test_an_answer_that_did_not_explore_has_no_slate():
    assert told(drawn=(), done=()) == ([], {"impressions without a slate": 1})


def test_clocks_may_differ_a_little():
    assert told(done=[CLICK._replace(time=SEEN.time - SKEW)]) == ([1.0], {})
    assert told(done=[CLICK._replace(time=SEEN.time - SKEW - 1)]) == (
        [0.0],
        {"responses before the impression": 1},
    )
    assert told(done=[CLICK._replace(time=SEEN.time + WINDOW + 1)]) == ([0.0], {"responses too late": 1})


@pytest.mark.parametrize(
    ("chances", "chosen"),
    [([0.0, 1.0], 0), ([0.5, 0.6], 1), ([np.nan, 1.0], 1), ([-0.5, 1.5], 1), ([1.0], 0), ([0.75, 0.25], 7)],
)
def test_chances_that_are_not_right_teach_nothing(chances, chosen):
    drawn = DRAWN._replace(slots=[replace(SLOT, chances=np.array(chances), chosen=chosen)])
    outcomes, counts = join([drawn], [SEEN], [CLICK])
    assert outcomes == []
    assert counts["chances that are not right"] == 1


def test_a_position_that_is_not_told_is_where_it_was_drawn():
    outcomes, counts = join([DRAWN], [SEEN._replace(position=0)], [])
    assert [one.position for one in outcomes] == [3]
    assert counts["impressions without position"] == 1


def test_the_order_of_events_does_not_matter():
    draw = Random(1)
    drawn = [DRAWN._replace(request_id=f"r{n}", shopper=f"user:{n % 3}", time=1000.0 + n) for n in range(20)]
    shown = [Shown(f"r{n}", "b", 3 + n % 2, 1010.0 + n) for n in range(20) for _ in range(2)]
    done = [Done(f"r{n}", "b", 1015.0 + n + 400 * again) for n in range(0, 20, 3) for again in range(2)]
    first = join(drawn, shown, done)
    for events in (drawn, shown, done):
        draw.shuffle(events)
    again = join(drawn, shown, done)
    assert first[1] == again[1]
    assert [(one.shopper, one.time, one.response) for one in first[0]] == [
        (one.shopper, one.time, one.response) for one in again[0]
    ]
