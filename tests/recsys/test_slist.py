"""EASE in time: the closed form, and that it learns what comes after rather than what went before."""

import numpy as np
import pytest

from services.recsys.domain.interactions import Interactions, interactions_of, past_of
from services.recsys.domain.models.slist import Slist, followed


def shoppers() -> Interactions:
    draw = np.random.default_rng(5)
    return interactions_of(20, [past_of(draw.choice(20, draw.integers(1, 10), False)) for _ in range(60)])


def test_each_place_sees_its_past_fading_and_what_followed():
    states, futures = followed(interactions_of(4, [past_of([0, 1, 2]), past_of([3])]), 0.5, 0.1)
    assert states.toarray().tolist() == [[1, 0, 0, 0], [0.5, 1, 0, 0], [0] * 4, [0] * 4]
    assert futures.toarray() == pytest.approx(np.array([[0, 1, 0.1, 0], [0, 0, 1, 0], [0] * 4, [0] * 4]))


def test_links_are_those_of_the_closed_form():
    model = Slist(regularisation=3.0, dropout=0.4, whole=0.3, ahead=0.6, fade=0.8).fit(shoppers())
    states, futures = (side.toarray().astype(float) for side in followed(shoppers(), 0.8, 0.6))
    x = shoppers().matrix().toarray().astype(float)
    gram = 0.3 * x.T @ x + 0.7 * states.T @ states
    inverse = np.linalg.inv(gram + 3 * np.eye(20) + 0.4 / 0.6 * np.diag(np.diag(gram)))
    links = inverse @ (0.3 * x.T @ x + 0.7 * states.T @ futures)
    links -= inverse * (np.diag(links) / np.diag(inverse))
    assert np.diag(links) == pytest.approx(np.zeros(20))
    assert model.links.toarray() == pytest.approx(links, abs=1e-5)


def test_what_comes_after_is_answered_and_not_what_went_before():
    model = Slist(regularisation=1.0).fit(interactions_of(5, [past_of([0, 1, 2])] * 9 + [past_of([3, 4])]))
    best, _ = model.recommend(model.state(past_of([1])), np.array([True, False, True, True, True]), 1)
    assert best.tolist() == [2]


def test_only_the_items_taken_most_are_learnt_in_their_order():
    data = interactions_of(5, [past_of([4, 0, 2])] * 3 + [past_of([1, 3])])
    links = Slist(regularisation=1.0, most=2).fit(data).links.toarray()
    assert links[0, 2] > 0
    assert not links[[1, 3, 4]].any()
    assert not links[:, [1, 3, 4]].any()
