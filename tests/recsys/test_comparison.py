"""Figures of models on cases whose right answers are seen by eye, and two models side by side."""

import numpy as np
import pytest

from services.recsys.domain.comparison import measure, paired, rank, summary
from services.recsys.domain.interactions import Interactions, interactions_of, past_of
from services.recsys.domain.models.cooccurrence import CooccurrenceModel
from services.recsys.domain.models.popularity import PopularityModel
from services.recsys.domain.protocols import leave_one_out

TEA, MILK, PASTA, SAUCE, BREAD = range(5)


@pytest.fixture(scope="module")
def data() -> Interactions:
    """Tea goes with milk, pasta with sauce, everybody has bread. The last shopper's milk is yet to come."""
    tea, pasta = past_of([BREAD, TEA, MILK]), past_of([BREAD, PASTA, SAUCE])
    return interactions_of(5, [tea] * 6 + [pasta] * 9)


def test_what_lies_in_the_past_is_not_ranked_again(data: Interactions):
    cases = leave_one_out(data).test
    ranked = rank(PopularityModel().fit(data), cases, 5)
    # Bread is the most popular, but all have it; then come sauce and pasta, milk and tea.
    assert ranked[0].tolist() == [PASTA, SAUCE, MILK, -1, -1]
    assert ranked[6].tolist() == [SAUCE, TEA, MILK, -1, -1]


def test_a_model_that_knows_what_goes_together_is_measured_above_popularity(data: Interactions):
    cases = leave_one_out(data).test
    together = measure(CooccurrenceModel().fit(data), cases, data, cuts=(1, 2))
    popular = measure(PopularityModel().fit(data), cases, data, cuts=(1, 2))
    assert summary(together.by_case)["recall@1"].value == 1
    # Popularity offers sauce to the nine and pasta to the six.
    assert summary(popular.by_case)["recall@1"].value == 9 / 15
    assert together.overall["coverage@1"] == 2 / 5
    difference = paired(together.by_case, popular.by_case)["recall@1"]
    assert difference.value == pytest.approx(6 / 15)
    assert 0 < difference.low < 6 / 15 < difference.high < 1
    assert difference.below == 0
    assert paired(popular.by_case, together.by_case)["recall@1"].below > 0.99


def test_a_model_is_no_different_from_itself(data: Interactions):
    values = measure(PopularityModel().fit(data), leave_one_out(data).test, data).by_case
    assert set(paired(values, values).values()) == {(0, 0, 0, 0)}


def test_intervals_of_many_metrics_are_those_of_each_alone():
    draws = np.random.default_rng(1)
    values = {"a": draws.random(50), "b": draws.random(50)}
    together = summary(values)
    for name, column in values.items():
        assert together[name] == pytest.approx(summary({name: column})[name])
