"""What is drawn, with which chances, and what is learnt from it."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from services.recsys.domain.exploration.drawing import Explorer, Guard, draw, pools
from services.recsys.domain.exploration.evaluation import by
from services.recsys.domain.exploration.learning import Outcome, learn
from services.recsys.domain.exploration.policy import UNIFORM, Policy, untaught
from services.recsys.domain.exploration.slots import Drawn
from services.recsys.domain.placements import Placement
from services.recsys.domain.slate import Ranked
from tests.recsys.exploring import GUARD, market

RANKED = Ranked(np.arange(100, 124), np.linspace(1.0, 0.31, 24), [f"p{row}" for row in range(100, 124)])


def test_pools_share_no_product_and_begin_with_the_positions_own():
    found = [pool.tolist() for pool in pools(RANKED.scores, 12, GUARD)]
    assert found == [[2, 12, 16, 20], [5, 13, 17, 21], [8, 14, 18, 22], [11, 15, 19, 23]]


def test_what_is_behind_the_floor_is_never_drawn():
    strict = replace(GUARD, floor=0.64)  # the first thirteen pass it
    assert [pool.tolist() for pool in pools(RANKED.scores, 12, strict)] == [[2, 12]]
    assert pools(np.array([-1.0, -2.0]), 1, GUARD) == []
    assert pools(np.zeros(0), 12, GUARD) == []


def test_the_rest_of_the_answer_stays_and_nothing_stands_twice():
    for seed in range(50):
        slate, slots = draw(RANKED, 12, GUARD, untaught(), seed)
        undrawn = np.setdiff1d(np.arange(12), [slot.position - 1 for slot in slots])
        assert slate.rows[undrawn].tolist() == RANKED.rows[undrawn].tolist()
        assert (slate.propensities[undrawn] == 1).all()
        assert len(set(slate.rows.tolist())) == 12
        assert all(slot.sound() for slot in slots)
    assert RANKED.rows.tolist() == list(range(100, 124))  # what was given is not changed


def test_one_request_has_one_slate():
    first, again, other = (draw(RANKED, 12, GUARD, untaught(), seed)[0] for seed in (5, 5, 6))
    assert first.rows.tolist() == again.rows.tolist()
    assert first.propensities.tolist() == again.propensities.tolist()
    assert first.propensities.tolist() != other.propensities.tolist()


def test_products_come_as_often_as_their_propensities_say():
    came, expected = Counter[str](), Counter[str]()
    for seed in range(4000):
        for slot in draw(RANKED, 12, GUARD, untaught(), seed)[1][:1]:
            came[slot.products[slot.chosen]] += 1
            for product, chance in zip(slot.products, slot.chances, strict=True):
                expected[product] += chance
    assert set(came) == {"p102", "p112", "p116", "p120"}
    for product, times in expected.items():
        assert abs(came[product] - times) < 4 * np.sqrt(times)
        assert times >= 4000 * UNIFORM / 4


def test_a_share_of_shoppers_explores_always_the_same():
    def exploring(share: float) -> set[int]:
        guard = replace(GUARD, share=share)
        return {n for n in range(2000) if guard.lets(Placement.HOME, (f"user:{n}",))}

    assert not exploring(0)
    assert len(exploring(1)) == 2000
    assert 140 < len(exploring(0.1)) < 260
    assert exploring(0.1) < exploring(0.5)
    assert not Guard(1, 4, 0.1).lets(Placement.HOME, ())
    assert not Guard(1, 4, 0.1).lets(Placement.PRODUCT, ("user:1",))


def test_a_drawn_answer_is_kept_and_a_plain_one_is_not():
    kept: list[Drawn] = []
    explorer = Explorer(GUARD, untaught(), kept.append, lambda: 1000.0)
    drawing = explorer.drawing(Placement.HOME, ("user:ann",), "r1")
    assert drawing is not None
    drawing(RANKED, 12)
    explorer.keep(drawing)
    explorer.keep(explorer.drawing(Placement.HOME, (), "r2"))
    assert [(one.request_id, one.shopper, one.policy) for one in kept] == [("r1", "user:ann", "untaught")]
    with pytest.raises(ValueError, match="share"):
        Explorer(Guard(2, 4, 0), untaught(), kept.append, lambda: 0.0)


def test_learning_finds_the_liked_product_and_is_the_same_at_every_run():
    shop = market(seed=3, doubt=0.15)
    outcomes = shop.shop(untaught(), 1500, seed=4)
    policy = learn(outcomes)
    assert shop.value(by(policy)) > shop.value(by(untaught()))
    again = Policy.of(learn(list(outcomes)).arrays())
    assert {name: array.tolist() for name, array in again.arrays().items()} == {
        name: array.tolist() for name, array in policy.arrays().items()
    }
    assert learn([]).arrays()["mean"].tolist() == untaught().mean.tolist()


def test_the_seldom_shown_is_tried_more_often_than_the_often_shown():
    shop = market(seed=3)
    slot = replace(shop.slots(0)[0], chosen=0)
    mine = [Outcome(slot, slot.position, f"s{n}", n, float(n % 10 == 0)) for n in range(400)]
    policy = learn(mine)
    both = [slot.products[0], "never seen"]
    alike = np.tile(slot.features[:1], (2, 1))
    spread = np.std([policy.chances(both, alike, np.random.default_rng(n))[1] for n in range(50)])
    mean = np.mean([policy.chances(both, alike, np.random.default_rng(n))[1] for n in range(50)])
    assert policy.worth(both, alike)[0] == pytest.approx(0.1, abs=0.03)
    assert 0.2 < mean < 0.8
    assert spread < 0.06
