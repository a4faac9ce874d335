"""The basket model's counts and chances, by hand."""

import numpy as np
import pytest

from services.recsys.domain.interactions import Past, interactions_of
from services.recsys.domain.models.basket import BasketModel
from services.recsys.domain.models.basket_counts import Basket, again, links, share
from services.recsys.domain.models.model import silent

MILK, BREAD, SALSA, CHIPS = range(4)


def past(*baskets: list[int]) -> Past:
    """Baskets, oldest first."""
    number = np.repeat(np.arange(len(baskets)), [len(basket) for basket in baskets])
    return Past(
        np.concatenate([*baskets, []]).astype(np.int32), number.astype(np.int32), number.astype(float)
    )


def counted(*pasts: Past) -> Basket:
    return Basket.of(interactions_of(4, list(pasts)))


def test_baskets_know_their_shopper_and_how_many_came_later():
    baskets = counted(past([MILK], [MILK, BREAD]), past(), past([SALSA]))
    assert baskets.shopper.tolist() == [0, 0, 2]
    assert baskets.age.tolist() == [1, 0, 0]


def test_an_item_is_bought_again_as_often_as_it_could_have_been():
    # Milk: bought again in 2 of the 3 baskets after the first one, bread in 0 of 1; all items 2 of 4.
    rates = again(counted(past([MILK], [MILK], [BREAD], [MILK])), 1.0)
    assert rates[[MILK, BREAD]] == pytest.approx([(2 + 0.5) / (3 + 1), (0 + 0.5) / (1 + 1)])
    assert rates[CHIPS] == pytest.approx(0.5)


def test_shares_are_of_each_shoppers_latest_basket_or_fade_backwards():
    baskets = counted(past([MILK], [BREAD]), past([BREAD]))
    assert share(baskets, 0.0).tolist() == [0, 1, 0, 0]
    assert share(baskets, 0.5) == pytest.approx([0.2, 0.8, 0, 0])


def test_links_lead_to_the_same_and_to_the_next_basket_only():
    found = links(counted(past([SALSA], [CHIPS], [MILK])), 0.0, 10, silent).toarray()
    assert found[SALSA].tolist() == [0, 0, 0, 1]
    assert found[CHIPS].tolist() == [1, 0, 0, 0]
    together = links(counted(past([MILK, BREAD])), 0.0, 10, silent).toarray()
    assert together[MILK].tolist() == [0, 0.5, 0, 0]


def test_only_the_strongest_links_are_kept():
    baskets = counted(past([SALSA, CHIPS, MILK]), past([SALSA, CHIPS]))
    assert links(baskets, 0.0, 1, silent)[SALSA].indices.tolist() == [CHIPS]


def test_the_chance_to_buy_again_by_hand():
    model = BasketModel(fade=1.0, prior=2.0).fit(interactions_of(4, [past([MILK], [MILK], [BREAD])]))
    state = model.state(past([MILK], [MILK], [MILK, BREAD]))
    # Milk twice in two baskets after its first; bread came just now: only what all shoppers do is known.
    expected = [(2 + 2 * model.repeat[MILK]) / (2 + 2), model.repeat[BREAD]]
    assert state.own == pytest.approx(expected)


def test_habits_come_first_and_explain_themselves():
    crowd = [past([MILK, BREAD], [MILK], [MILK, CHIPS])] * 5
    model = BasketModel().fit(interactions_of(4, crowd))
    state = model.state(past([MILK], [MILK], [MILK, BREAD]))
    best, _ = model.recommend(state, count=1)
    assert best.tolist() == [MILK]
    assert model.explain(state, MILK)[0] == MILK
    assert model.explain(state, CHIPS) == (MILK,)
