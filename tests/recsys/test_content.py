"""A new product stands near what products of such words sell with."""

import numpy as np
import pytest

from services.recsys.domain.interactions import interactions_of, past_of
from services.recsys.domain.models.content import ContentModel, words_of
from services.recsys.domain.neighbours import BadModelError
from tests.recsys import world

WORDS = [
    ["dairy", "milk"],
    ["dairy", "cheese"],
    ["bakery", "bread"],
    ["bakery", "rolls"],
    ["car", "tyre"],
    ["dairy", "yogurt"],
    ["car", "oil"],
    [],
]
"""Dairy goes with bakery and tyres with nothing; nobody took yogurt, oil and the last, which has no words."""

YOGURT, OIL, SILENT = 5, 6, 7
PASTS = [past_of([0, 2]), past_of([1, 3]), past_of([0, 3]), past_of([1, 2, 0])] * 5 + [past_of([4])] * 5


def test_a_new_product_is_found_by_what_its_like_sell_with():
    model = ContentModel(WORDS, size=4).fit(interactions_of(len(WORDS), PASTS))
    scores = model.score(model.state(past_of([2])))
    assert scores[YOGURT] > 0.05 > abs(float(scores[OIL])) * 10
    assert scores[SILENT] == 0
    assert model.explain(model.state(past_of([4, 2])), YOGURT)[0] == 2


def test_without_words_a_new_product_stays_unknown():
    model = ContentModel(size=4).fit(interactions_of(len(WORDS), PASTS))
    scores = model.score(model.state(past_of([2])))
    assert scores[YOGURT] == scores[OIL] == 0 < scores[0]


def test_what_many_took_stands_where_its_takers_put_it():
    """A tyre that everybody takes with milk is near bread; its words say car."""
    odd = [past_of([4, 0, 2])] * 30
    trusting, doubting = (
        ContentModel(WORDS, size=4, prior=prior).fit(interactions_of(len(WORDS), PASTS + odd))
        for prior in (0.1, 1e6)
    )
    bread = past_of([2])
    assert trusting.score(trusting.state(bread))[4] > doubting.score(doubting.state(bread))[4] * 1.2


def test_a_product_that_came_after_training_stands_where_its_words_place_it():
    model = ContentModel(WORDS, size=4).fit(interactions_of(len(WORDS), PASTS))
    yogurt, silent = model.placed([["dairy", "yogurt"], []])
    assert yogurt == pytest.approx(model.vectors[YOGURT], abs=1e-6)
    assert not silent.any()
    back = ContentModel.of(model.arrays())
    assert (back.placed([["dairy"]]) == model.placed([["dairy"]])).all()


def test_a_map_that_does_not_fit_is_refused():
    arrays = ContentModel(WORDS, size=4).fit(interactions_of(len(WORDS), PASTS)).arrays()
    with pytest.raises(BadModelError, match="map"):
        ContentModel.of({**arrays, "map": np.zeros((3, 4), np.float32)})


def test_words_are_told_apart_by_where_they_stand():
    product = world.Product("x", "Corn Cereal", "Corn", ("Food > Breakfast",))
    assert words_of(product) == (
        "title corn",
        "title cereal",
        "brand corn",
        "in Food",
        "in Food > Breakfast",
    )


def test_the_past_counts_less_the_longer_it_lies_back():
    model = ContentModel(WORDS, size=4, fade=0.5).fit(interactions_of(len(WORDS), PASTS))
    near, far = (model.score(model.state(past_of(past)))[YOGURT] for past in ([4, 2], [2, 4]))
    assert np.isclose(near, 2 * far, rtol=0.05)
