"""Placements over the corner shop: what a reader would answer by eye."""

import pytest

from services.recsys.adapters.memory import MemoryKnowledge
from services.recsys.domain.context import Asked, context_of
from services.recsys.domain.errors import CurrencyError, RequestError, TooManyError
from services.recsys.domain.filters import EVERYTHING, MAX_FILTER_VALUES, Filter, one_currency
from services.recsys.domain.placements import MIXES, Placement
from services.recsys.domain.reasons import Code
from services.recsys.domain.recommend import Answer, recommend, similar
from services.recsys.domain.sources.candidates import Named
from services.recsys.domain.sources.together import neighbours_of_taste
from tests.recsys import world

ANN, BOB, NOBODY = ("user:ann",), ("user:bob",), ()


def ask(knowledge, placement, shopper=NOBODY, context=(), wanted=EVERYTHING, exclude=(), count=24) -> Answer:
    return recommend(knowledge, placement, Asked(shopper, context=context), wanted, exclude, count)


def ids(answer: Answer) -> list[str]:
    return [product.product_id for product in answer.products]


def test_home_discovers_what_goes_with_what_was_bought(knowledge):
    answer = ask(knowledge, Placement.HOME, ANN)
    assert ids(answer)[0] == "cereal"
    first = answer.products[0].reason
    assert (first.code, first.text) == (Code.BECAUSE_YOU_BOUGHT, "Because you bought Whole Milk 1 Gal")
    assert first.product_ids == ("milk",)
    assert not {"milk", "bread", "butter"} & set(ids(answer))
    assert not answer.fallback


def test_buy_again_only_repeats_and_puts_the_frequent_first(knowledge):
    answer = ask(knowledge, Placement.BUY_AGAIN, ANN)
    assert set(ids(answer)) == {"milk", "bread", "butter"}
    assert ids(answer)[-1] == "butter"
    assert answer.products[0].reason.text == "You bought this 3 times"
    assert answer.products[-1].reason.text == "You bought this before"
    assert ids(ask(knowledge, Placement.BUY_AGAIN, NOBODY)) == []


def test_recency_beats_frequency_when_it_is_long_ago():
    knowledge = MemoryKnowledge()
    for product in world.PRODUCTS:
        knowledge.put(product)
    for signal in [world.bought("ann", "milk", hours=0)] * 3 + [world.bought("ann", "oat", hours=24 * 365)]:
        knowledge.take(signal)
    assert ids(ask(knowledge, Placement.BUY_AGAIN, ANN)) == ["oat", "milk"]


def test_product_and_cart_go_with_their_context(knowledge):
    answer = ask(knowledge, Placement.PRODUCT, context=["salsa"])
    assert set(ids(answer)[:3]) == {"chips", "beer", "bread"}
    assert answer.products[0].reason.text == "Often bought with Salsa"
    assert "salsa" not in ids(answer)
    cart = ids(ask(knowledge, Placement.CART, context=["milk", "chips"]))
    assert set(cart[:3]) == {"cereal", "salsa", "bread"}
    assert not {"milk", "chips"} & set(cart)


def test_a_context_without_neighbours_falls_back_to_its_category_and_brand(knowledge):
    answer = ask(knowledge, Placement.PRODUCT, context=["oat"])
    assert ids(answer)[:2] == ["milk", "butter"]
    assert answer.products[0].reason.text == "Also in Milk, like Oat Drink"
    assert answer.products[1].reason.text == "Also by Farm, like Oat Drink"
    assert not answer.fallback


def test_strangers_get_what_is_popular(knowledge):
    for placement in (Placement.HOME, Placement.PRODUCT, Placement.CART):
        answer = ask(knowledge, placement, ("user:stranger",), context=["no such product"])
        assert answer.fallback
        assert ids(answer)[0] == "bread"
        assert answer.products[0].reason.code is Code.POPULAR
    popular = ask(knowledge, Placement.POPULAR)
    assert ids(popular)[:3] == ["bread", "chips", "milk"]
    assert not popular.fallback


def test_without_a_model_personal_and_popular_still_answer():
    knowledge = MemoryKnowledge()
    for product in world.PRODUCTS:
        knowledge.put(product)
    for signal in world.history():
        knowledge.take(signal)
    home = ask(knowledge, Placement.HOME, ANN)
    assert home.version == "popular"
    assert "milk" not in ids(home)
    assert len(ids(home)) == 7
    assert ids(ask(knowledge, Placement.BUY_AGAIN, ANN))
    assert ids(ask(knowledge, Placement.PRODUCT, context=["milk"]))[0] == "oat"


def test_a_look_counts_less_than_a_purchase_and_says_so(knowledge):
    knowledge.take(world.viewed("gil", "salsa"))
    answer = ask(knowledge, Placement.HOME, ("user:gil",))
    looked = [one for one in answer.products if "which you looked at" in one.reason.text]
    assert looked
    assert looked[0].reason.text == "Often bought with Salsa, which you looked at"
    assert ids(ask(knowledge, Placement.BUY_AGAIN, ("user:gil",))) == []


def test_popular_on_a_liked_shelf_names_the_shelf(knowledge):
    knowledge.take(world.bought("hal", "oat"))
    reasons = {one.product_id: one.reason for one in ask(knowledge, Placement.HOME, ("user:hal",)).products}
    assert (reasons["milk"].code, reasons["milk"].text) == (Code.POPULAR_IN_CATEGORY, "Popular in Dairy")


def test_a_full_refund_takes_a_purchase_back(knowledge):
    knowledge.take(world.bought("ida", "salsa", pieces=2))
    knowledge.take(world.refunded("ida", "salsa", pieces=1))
    assert ids(ask(knowledge, Placement.BUY_AGAIN, ("user:ida",))) == ["salsa"]
    knowledge.take(world.refunded("ida", "salsa", pieces=1))
    assert ids(ask(knowledge, Placement.BUY_AGAIN, ("user:ida",))) == []
    assert "salsa" in ids(ask(knowledge, Placement.HOME, ("user:ida",)))


def test_what_cannot_be_bought_stands_last_or_is_left_out(knowledge):
    answer = ask(knowledge, Placement.CART, context=["chips"])
    assert ids(answer)[-1] == "guac"
    scores = [product.score for product in answer.products]
    assert scores == sorted(scores, reverse=True)
    assert "guac" not in ids(
        ask(knowledge, Placement.CART, context=["chips"], wanted=Filter(in_stock_only=True))
    )


def test_deleted_and_excluded_products_are_never_answered(knowledge):
    knowledge.remove("cereal")
    answer = ask(knowledge, Placement.HOME, ANN, exclude=["chips", "no such product"])
    assert not {"cereal", "chips"} & set(ids(answer))
    knowledge.remove("milk")
    home = ask(knowledge, Placement.HOME, ANN)
    assert all("Milk" not in product.reason.text for product in home.products)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(categories=("Food > Dairy",)), {"milk", "oat", "butter"}),
        (Filter(categories=("Food > Dai",)), set()),
        (Filter(categories=("Home", "Drinks > Beer")), {"soap", "beer"}),
        (Filter(brands=("FARM", "hot")), {"milk", "oat", "butter", "salsa", "guac"}),
        (Filter(currency="USD", max_price=2_500_000), {"bread", "chips"}),
        (Filter(currency="EUR", min_price=0), {"beer"}),
        (Filter(currency="USD", min_price=9, max_price=1), set()),
        (Filter(brands=("hot",), in_stock_only=True), {"salsa"}),
        (Filter(categories=("",), brands=("",)), set()),
    ],
)
def test_filters(knowledge, wanted, expected):
    assert set(ids(ask(knowledge, Placement.POPULAR, wanted=wanted))) == expected


def test_filters_that_make_no_sense_are_refused():
    with pytest.raises(CurrencyError):
        one_currency("USD", "EUR")
    with pytest.raises(RequestError):
        Filter(currency="USD", min_price=-1)
    with pytest.raises(RequestError):
        Filter(min_price=1)
    with pytest.raises(TooManyError):
        Filter(brands=("x",) * (MAX_FILTER_VALUES + 1))


def test_similar_products_have_to_do_with_the_one_asked_about(knowledge):
    assert ids(similar(knowledge, "milk", EVERYTHING, 24)) == ["bread", "cereal", "oat", "butter"]
    assert ids(similar(knowledge, "no such product", EVERYTHING, 24)) == []


@pytest.mark.parametrize("placement", list(Placement))
def test_every_answer_has_reasons_no_repeats_and_no_more_than_asked(knowledge, placement):
    for count in (1, 3, 24):
        answer = ask(knowledge, placement, ANN, context=["milk", "milk", "ghost"], count=count)
        assert len(ids(answer)) == len(set(ids(answer))) <= count
        assert all(product.reason.text for product in answer.products)


def test_a_reason_names_another_product_where_one_was_named_before(knowledge):
    with knowledge.shop() as shop:
        rows = {name: shop.catalogue.row(name) for name in ("milk", "bread", "cereal")}
        on = context_of(knowledge, shop, MIXES[Placement.HOME], Asked(("user:ann",)), EVERYTHING, ())
        found = neighbours_of_taste(shop, on)
        at = found.rows.tolist().index(rows["cereal"])
        named = Named()
        told = [found.why(at, named).product_ids for _ in range(2)]
    assert told == [("milk",), ("bread",)]
    assert named == {rows["milk"]: 1, rows["bread"]: 1}
