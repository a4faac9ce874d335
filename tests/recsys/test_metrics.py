"""Metrics against values worked out by hand."""

import math

import numpy as np
import pytest
from scipy import sparse

from services.recsys.domain import metrics
from services.recsys.domain.metrics import accuracy, estimate, hits

YES, NO = True, False


def lists(*rows: list[int]) -> np.ndarray:
    """Ranked items, a row a case."""
    return np.array(rows, np.int32)


def wanted(*rows: set[int], items: int = 6) -> sparse.csr_matrix:
    """What each case wants."""
    return sparse.csr_matrix([[float(item in row) for item in range(items)] for row in rows])


def test_a_hit_is_a_wanted_item_of_the_same_case():
    found = hits(lists([0, 1, 2], [0, 1, -1]), wanted({0, 2}, {1, 5}))
    assert found.tolist() == [[YES, NO, YES], [NO, YES, NO]]


def test_each_metric_of_two_hits_among_three_ranks():
    # Hits at ranks 1 and 3 of four wanted items, cut at 3.
    found = accuracy(np.array([[YES, NO, YES, YES]]), np.array([4]), 3)
    assert found["recall"][0] == 2 / 4
    assert found["hit"][0] == 1
    assert found["mrr"][0] == 1
    # 1/log2(2) + 1/log2(4) over 1 + 1/log2(3) + 1/log2(4): three ranks are all that there are.
    assert found["ndcg"][0] == pytest.approx(1.5 / (1.5 + 1 / math.log2(3)))
    # Precision is 1 at the first hit and 2/3 at the second.
    assert found["map"][0] == pytest.approx((1 + 2 / 3) / 3)


def test_fewer_wanted_items_than_ranks_can_be_foreseen_perfectly():
    found = accuracy(np.array([[YES, YES, NO, NO]]), np.array([2]), 4)
    assert {name: values[0] for name, values in found.items()} == pytest.approx(dict.fromkeys(found, 1.0))


def test_no_hit_is_zero_and_a_late_one_counts_by_its_rank():
    found = accuracy(np.array([[NO, NO, NO], [NO, NO, YES]]), np.array([1, 1]), 3)
    assert found["mrr"].tolist() == [0, 1 / 3]
    assert found["ndcg"].tolist() == pytest.approx([0, 1 / math.log2(4)])
    assert found["hit"].tolist() == [0, 1]


def test_lists_may_be_shorter_than_the_cut():
    assert accuracy(np.array([[YES]]), np.array([1]), 10)["ndcg"][0] == 1


def test_novelty_is_the_information_in_seeing_an_item():
    # Of 8 users all took item 0 and one took item 1: 0 bits and 3 bits.
    popularity = np.array([8, 1, 0])
    assert metrics.novelty(lists([0, 1], [1, 2], [0, -1]), popularity, 8, 2).tolist() == [1.5, 3, 0]


def test_popularity_bias_is_the_mean_percentile():
    popularity = np.array([50, 10, 20])
    assert metrics.popularity_bias(lists([0, 1], [0, 2]), popularity, 2).tolist() == [0.5, 0.75]
    assert metrics.popularity_bias(lists([1]), np.array([7, 7, 7]), 1).tolist() == [0.5]


def test_diversity_is_one_less_the_mean_cosine():
    # Items 0 and 1 were taken by the same two users; item 2 by one of them; item 3 by another; 4 by nobody.
    taken = sparse.csr_matrix([[1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 1, 0]], dtype=np.float32)
    ranked = lists([0, 1], [0, 2], [0, 3], [0, 4], [0, -1])
    assert metrics.diversity(ranked, taken, 2).tolist() == pytest.approx([0, 1 - 1 / math.sqrt(2), 1, 1, 1])
    # Three pairs: cosine 1, and twice 1/sqrt(2).
    three = metrics.diversity(lists([0, 1, 2]), taken, 3)
    assert three.tolist() == pytest.approx([1 - (1 + math.sqrt(2)) / 3])


def test_coverage_and_gini_tell_how_much_of_the_shelf_is_shown():
    assert metrics.coverage(lists([0, 1], [1, -1]), 4, 2) == 0.5
    assert metrics.gini(lists([0], [1], [2], [3]), 4, 1) == 0
    assert metrics.gini(lists([0], [0], [0], [0]), 4, 1) == 0.75
    assert metrics.gini(lists([-1]), 4, 1) == 0


def test_an_interval_holds_its_mean_and_repeats_itself():
    values = [0.0, 1.0] * 50
    found = estimate(values)
    assert found.value == 0.5
    assert 0.38 < found.low < 0.5 < found.high < 0.62
    assert found == estimate(values)
    assert estimate([]) == (0, 0, 0)
