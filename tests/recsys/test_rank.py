"""Given products in a shopper's order."""

import pytest

from services.recsys.domain.errors import RequestError
from services.recsys.domain.rank import rank

GIVEN = ["soap", "ghost", "beer", "cereal", "milk"]


def ids(answer):
    return [product.product_id for product in answer.products]


def test_a_stranger_keeps_the_order_and_unknown_products_go_last(knowledge):
    assert ids(rank(knowledge, (), GIVEN, 0.3)) == ["soap", "beer", "cereal", "milk", "ghost"]


def test_taste_moves_what_the_shopper_likes_up(knowledge):
    answer = rank(knowledge, ("user:ann",), GIVEN, 1.0)
    assert ids(answer) == ["milk", "cereal", "beer", "soap", "ghost"]
    assert [product.reason.text for product in answer.products[:4]] == [
        "You bought this 3 times",
        "Because you bought Whole Milk 1 Gal",
        "Because you bought White Bread",
        "In the order given",
    ]


def test_weight_nought_keeps_the_order_as_it_is(knowledge):
    assert ids(rank(knowledge, ("user:ann",), GIVEN, 0.0)) == GIVEN


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("given", [[], ["ghost"], GIVEN, [f"p{i}" for i in range(1000)]])
def test_every_product_comes_back_once(knowledge, given, weight):
    answer = rank(knowledge, ("user:ann",), given, weight)
    assert sorted(ids(answer)) == sorted(given)
    scores = [product.score for product in answer.products]
    assert scores == sorted(scores, reverse=True)
    assert all(product.reason.text for product in answer.products)


@pytest.mark.parametrize("weight", [float("nan"), -0.1, 1.1, float("inf")])
def test_weights_outside_are_refused(knowledge, weight):
    with pytest.raises(RequestError):
        rank(knowledge, (), GIVEN, weight)


def test_repeats_are_refused(knowledge):
    with pytest.raises(RequestError):
        rank(knowledge, (), ["milk", "milk"], 0.3)
