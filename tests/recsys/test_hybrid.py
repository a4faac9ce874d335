"""Several models as one."""

import numpy as np
import pytest

from services.recsys.domain.interactions import Interactions, interactions_of, past_of
from services.recsys.domain.models.cooccurrence import CooccurrenceModel
from services.recsys.domain.models.hybrid import Hybrid, over_best, share, standard
from services.recsys.domain.models.popularity import PopularityModel
from services.recsys.domain.neighbours import BadModelError

TEA, MILK, PASTA, SAUCE, SALT = range(5)


@pytest.fixture(scope="module")
def data() -> Interactions:
    """Tea goes with milk, and less often pasta with sauce; salt is alone, and the most popular."""
    rows = [[TEA, MILK]] * 5 + [[PASTA, SAUCE]] * 3 + [[SALT]] * 9
    return interactions_of(5, [past_of(row) for row in rows])


def test_scales_make_scores_comparable():
    scores = np.array([0, 2, 4], np.float32)
    assert over_best(scores).tolist() == [0, 0.5, 1]
    assert standard(scores).tolist() == pytest.approx([-(1.5**0.5), 0, 1.5**0.5])
    assert share(scores).sum() == pytest.approx(1)
    assert share(scores)[2] / share(scores)[1] == pytest.approx(np.exp(2))
    for scale in (over_best, standard):
        assert scale(np.zeros(3, np.float32)).tolist() == [0, 0, 0]
    assert share(np.array([500.0, 400.0], np.float32)).tolist() == pytest.approx([1, 0])


def test_a_score_is_the_weighted_sum_of_the_members(data: Interactions):
    hybrid = Hybrid([CooccurrenceModel(), PopularityModel()], [1.0, 0.5], "over best").fit(data)
    scores = hybrid.score(hybrid.state(past_of([TEA])))
    # Milk is the best neighbour, and 5/9 as popular as salt, which gets half of 1 by its popularity alone.
    assert scores.tolist() == pytest.approx([0.5 * 5 / 9, 1 + 0.5 * 5 / 9, 0.5 * 3 / 9, 0.5 * 3 / 9, 0.5])


def test_who_gave_most_explains(data: Interactions):
    hybrid = Hybrid([PopularityModel(), CooccurrenceModel()], [2.0, 1.0], "over best").fit(data)
    state = hybrid.state(past_of([PASTA, TEA]))
    assert hybrid.explain(state, MILK) == (TEA,)
    assert hybrid.explain(state, SALT) == ()


def test_a_saved_hybrid_answers_the_same(data: Interactions):
    hybrid = Hybrid([CooccurrenceModel(), PopularityModel()], [1.0, 0.25], "share").fit(data)
    again = Hybrid.of(hybrid.arrays())
    past = past_of([SAUCE])
    assert again.score(again.state(past)).tolist() == hybrid.score(hybrid.state(past)).tolist()


@pytest.mark.parametrize("missing", ["members", "weights", "scale", "0/starts"])
def test_a_hybrid_without_its_parts_is_refused(data: Interactions, missing: str):
    arrays = dict(Hybrid([CooccurrenceModel()], [1.0]).fit(data).arrays())
    del arrays[missing]
    with pytest.raises(BadModelError):
        Hybrid.of(arrays)


def test_members_and_weights_must_be_as_many():
    with pytest.raises(ValueError, match="a weight for each"):
        Hybrid([PopularityModel()], [1.0, 2.0])
