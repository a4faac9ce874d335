"""What goes together, in baskets small enough to count."""

import numpy as np
import pytest

from services.recsys.domain.cooccurrence import MAX_BASKET, learn
from services.recsys.domain.interactions import Past, interactions_of, past_of
from services.recsys.domain.models.cooccurrence import CooccurrenceModel
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


def in_baskets(*baskets: list[int]) -> Past:
    number = np.repeat(np.arange(len(baskets)), [len(basket) for basket in baskets])
    return Past(np.concatenate(baskets).astype(np.int32), number.astype(np.int32), number.astype(float))


def test_the_model_counts_baskets_where_they_are_known():
    model = CooccurrenceModel().fit(interactions_of(4, [in_baskets([0, 1], [2]), in_baskets([0, 1], [3, 2])]))
    assert model.links[0].indices.tolist() == [1]


def test_the_model_counts_whole_pasts_where_no_basket_holds_two():
    model = CooccurrenceModel().fit(
        interactions_of(4, [past_of([0, 1, 2]), past_of([2, 0]), past_of([1, 3])])
    )
    assert model.links[0].indices.tolist() == [2]


def test_a_past_too_long_to_count_whole_is_cut_and_not_left_out():
    long = past_of(list(range(2 * MAX_BASKET)))
    model = CooccurrenceModel().fit(interactions_of(2 * MAX_BASKET, [long, long]))
    assert model.links[[0]].indices.max() < MAX_BASKET
    assert model.links[[MAX_BASKET]].indices.min() > MAX_BASKET
