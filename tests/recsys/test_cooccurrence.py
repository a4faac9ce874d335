"""What goes together, in baskets small enough to count."""

import numpy as np
import pytest

from services.recsys.domain.cooccurrence import MAX_BASKET, learn
from services.recsys.domain.neighbours import MAX_NEIGHBOURS, BadModelError, Neighbours
from tests.recsys import world


def near(model: Neighbours, product_id: str) -> list[str]:
    others, _ = model.of(list(model.ids).index(product_id))
    return [model.ids[other] for other in others]


def test_neighbours_are_what_lay_in_the_same_baskets():
    model = world.neighbours()
    assert near(model, "milk")[0] in ("cereal", "bread")
    assert set(near(model, "milk")) == {"cereal", "bread"}
    assert set(near(model, "salsa")) == {"chips", "beer", "bread"}
    assert near(model, "soap") == []


def test_similarity_by_hand():
    # a and b together twice; a bought 3 times, b 2 times. Cosine 2 / sqrt(6), shrunk by 2 / (2 + 2).
    model = learn(["a", "b"], np.array([0, 0, 1, 1, 2], np.int32), np.array([0, 1, 0, 1, 0], np.int32),
                  shrink=2.0, power=0.5)  # fmt: skip
    _, similarities = model.of(0)
    assert similarities == pytest.approx([2 / 6**0.5 * 0.5])


def test_one_basket_proves_nothing_and_repeats_inside_a_basket_count_once():
    model = learn(["a", "b"], np.array([0, 0, 0, 0], np.int32), np.array([0, 1, 0, 1], np.int32))
    assert near(model, "a") == []


def test_oversized_baskets_are_left_out_and_neighbours_are_bounded():
    size = MAX_NEIGHBOURS + 20
    items = np.tile(np.arange(size, dtype=np.int32), 3)
    model = learn([str(i) for i in range(size)], np.repeat(np.arange(3, dtype=np.int32), size), items)
    assert len(near(model, "0")) == MAX_NEIGHBOURS
    items = np.tile(np.arange(MAX_BASKET + 1, dtype=np.int32), 3)
    baskets = np.repeat(np.arange(3, dtype=np.int32), MAX_BASKET + 1)
    assert near(learn([str(i) for i in range(MAX_BASKET + 1)], baskets, items), "0") == []


def test_nothing_to_learn_from_gives_an_empty_model():
    none = np.zeros(0, np.int32)
    assert len(learn([], none, none).others) == 0


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(BadModelError):
        Neighbours(["a"], np.array([0, 1]), np.array([7], np.int32), np.array([0.5], np.float32))
