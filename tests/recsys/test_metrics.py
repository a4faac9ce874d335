"""Metrics against values worked out by hand."""

import math

import pytest

from services.recsys.domain.metrics import estimate, ndcg, recall


def test_recall_counts_hits_among_the_first_k():
    assert recall(["a", "b", "c", "d"], {"a", "c", "x", "y"}, 3) == 2 / 4
    assert recall([], {"a"}, 10) == 0


def test_ndcg_discounts_by_position():
    # Hits at positions 1 and 3: 1/log2(2) + 1/log2(4) = 1.5; the best of two is 1 + 1/log2(3).
    assert ndcg(["a", "b", "c"], {"a", "c"}, 10) == pytest.approx(1.5 / (1 + 1 / math.log2(3)))
    assert ndcg(["a", "b"], {"a", "b"}, 10) == pytest.approx(1)
    assert ndcg(["x", "y"], {"a"}, 10) == 0
    # More relevant items than places: the best possible list is all hits.
    assert ndcg(["a", "b"], {"a", "b", "c"}, 2) == pytest.approx(1)


def test_an_interval_holds_its_mean_and_repeats_itself():
    values = [0.0, 1.0] * 50
    found = estimate(values)
    assert found.value == 0.5
    assert 0.38 < found.low < 0.5 < found.high < 0.62
    assert found == estimate(values)
    assert estimate([]) == (0, 0, 0)
