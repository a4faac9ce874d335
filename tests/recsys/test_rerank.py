"""What a shop asks of an answer beyond relevance, on lists that a reader orders by eye."""

import pytest

from services.recsys.adapters.memory import MemoryKnowledge
from services.recsys.domain.context import Asked
from services.recsys.domain.errors import MissingError, RequestError, TooManyError
from services.recsys.domain.filters import EVERYTHING, Filter
from services.recsys.domain.placements import Placement
from services.recsys.domain.recommend import Recommended, recommend
from services.recsys.domain.rerank import MAX_RULES, Adjustments, Boost, Cap, CapKey
from services.recsys.domain.signals import Kind
from services.recsys.domain.slate import Ranked, Slate
from tests.recsys import world

ORDER = ["bread", "chips", "milk", "cereal", "salsa"]
"""What is popular, best first; beer is as popular as salsa."""


def popular(knowledge: MemoryKnowledge, count: int = 24, wanted: Filter = EVERYTHING, **wishes) -> list[str]:
    return [one.product_id for one in answer(knowledge, count, wanted, **wishes)]


def answer(
    knowledge: MemoryKnowledge, count: int = 24, wanted: Filter = EVERYTHING, **wishes
) -> list[Recommended]:
    found = recommend(
        knowledge, Placement.POPULAR, Asked(), wanted, (), count, Adjustments(**wishes)
    ).products
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    return list(found)


def test_without_wishes_the_order_is_that_of_relevance(knowledge):
    assert popular(knowledge)[:5] == ORDER


def test_a_boost_of_one_lifts_to_the_top_and_a_burial_of_one_drops_to_the_end(knowledge):
    assert popular(knowledge, boosts=(Boost(1.0, ("salsa",)),))[:2] == ["salsa", "bread"]
    buried = popular(knowledge, boosts=(Boost(-1.0, ("bread",)),), wanted=Filter(in_stock_only=True))
    assert buried[0] == "chips"
    assert buried[-1] == "bread"


def test_a_boost_goes_by_category_and_brand_too_and_boosts_add_up(knowledge):
    dairy = Boost(1.0, wanted=Filter(categories=("Food > Dairy",)))
    assert set(popular(knowledge, boosts=(dairy,))[:3]) == {"milk", "oat", "butter"}
    both = (dairy, Boost(-1.0, ("milk",)), Boost(0.5, wanted=Filter(brands=("hot",))))
    assert popular(knowledge, boosts=both)[:2] == ["butter", "oat"]


def test_what_is_out_of_stock_stands_last_whatever_is_boosted(knowledge):
    assert popular(knowledge, boosts=(Boost(1.0, ("guac",)),))[-1] == "guac"


@pytest.mark.parametrize(
    ("key", "most", "gone"),
    [
        (CapKey.BRAND, 1, {"oat", "butter", "cereal", "guac"}),
        (CapKey.BRAND, 2, {"oat"}),
        (CapKey.CATEGORY, 1, {"oat", "guac"}),
    ],
)
def test_a_cap_keeps_the_best_of_each_kind_and_drops_the_rest(knowledge, key, most, gone):
    everything = popular(knowledge)
    assert popular(knowledge, caps=(Cap(key, most),)) == [one for one in everything if one not in gone]


def test_two_caps_hold_at_once_and_products_without_a_brand_are_not_counted(knowledge):
    for number in range(3):
        knowledge.put(world.Product(f"plain{number}", "Plain"))
    found = popular(knowledge, caps=(Cap(CapKey.BRAND, 1), Cap(CapKey.CATEGORY, 1)))
    assert {"plain0", "plain1", "plain2"} < set(found)
    assert not {"oat", "butter", "cereal", "guac"} & set(found)


def test_diversity_puts_what_is_unlike_before_what_is_alike(knowledge):
    wanted = Filter(categories=("Food > Snacks", "Food > Dairy"), in_stock_only=True)
    for _ in range(12):
        knowledge.take(world.bought("zoe", "oat", hours=30))
    assert popular(knowledge, wanted=wanted) == ["oat", "chips", "milk", "salsa", "butter"]
    # Milk is all but the same as oat; salsa shares only the shelf of chips.
    assert popular(knowledge, wanted=wanted, diversity=0.8) == ["oat", "chips", "salsa", "butter", "milk"]


def test_diversity_of_one_still_leaves_what_is_out_of_stock_last(knowledge):
    assert popular(knowledge, diversity=1.0)[-1] == "guac"


def test_coverage_gives_each_category_places_by_the_relevance_of_its_products(knowledge):
    for number, times in ((1, 9), (2, 8), (3, 7)):
        knowledge.put(world.Product(f"tea{number}", "Tea", "", ("Drinks > Tea",)))
        for hours in range(times):
            knowledge.take(world.bought("zoe", f"tea{number}", hours=30 + hours))
    wanted = Filter(categories=("Drinks > Tea", "Food > Snacks > Chips", "Food > Bakery"))
    plain = popular(knowledge, wanted=wanted)
    assert plain[:3] == ["bread", "chips", "tea1"]
    # The votes of tea are the most, a third of them still less than those of bread or chips.
    assert popular(knowledge, wanted=wanted, coverage=1.0) == ["tea1", "bread", "chips", "tea2", "tea3"]


def test_what_is_included_is_in_the_answer_however_short_and_says_why(knowledge):
    assert popular(knowledge, 3, include=("soap", "milk")) == ["bread", "milk", "soap"]
    cart = Asked(context=["salsa"])
    wishes = Adjustments(include=("soap", "salsa", "no such product"))
    found = recommend(
        knowledge, Placement.FREQUENTLY_BOUGHT_TOGETHER, cart, EVERYTHING, (), 24, wishes
    ).products
    assert found[-1].product_id == "soap"
    assert found[-1].reason.text == "Picked by the shop"
    assert "salsa" not in [one.product_id for one in found]
    assert "soap" not in popular(knowledge, wanted=Filter(brands=("farm",)), include=("soap",))


def test_a_cap_does_not_leave_out_what_is_included(knowledge):
    found = popular(knowledge, caps=(Cap(CapKey.BRAND, 1),), include=("oat",))
    assert {"milk", "oat"} < set(found)
    assert "butter" not in found


def test_what_a_shopper_hid_is_gone_and_what_was_shown_too_often_stands_behind(knowledge):
    def home() -> list[str]:
        found = recommend(knowledge, Placement.HOME, Asked(("user:ann",)), EVERYTHING, (), 24).products
        return [one.product_id for one in found if one.product_id != "guac"]

    first, second = home()[:2]
    for hours in range(11):
        knowledge.take(world.said("ann", Kind.SHOWN, first, hours=100 + hours / 60))
    assert home()[0] == second
    assert home()[-1] == first
    knowledge.take(world.said("ann", Kind.HIDDEN, second))
    assert second not in home()


def test_the_last_step_draws_from_the_ranked_candidates_and_tells_its_propensities(knowledge):
    seen = []

    def swapped(ranked: Ranked, count: int) -> Slate:
        seen.append(len(ranked.rows))
        places = [1, 0, *range(2, count)]
        return Slate(ranked.rows[places], ranked.scores[places], ranked.scores[places] * 0 + 0.25)

    found = recommend(
        knowledge, Placement.POPULAR, Asked(), EVERYTHING, (), 3, Adjustments(), swapped
    ).products
    assert [one.product_id for one in found] == ["chips", "bread", "milk"]
    assert {one.propensity for one in found} == {0.25}
    assert seen == [6]


@pytest.mark.parametrize(
    ("make", "error", "field"),
    [
        (lambda: Boost(1.5, ("a",)), RequestError, "adjustments.boosts.strength"),
        (lambda: Boost(float("nan"), ("a",)), RequestError, "adjustments.boosts.strength"),
        (lambda: Boost(0.5), MissingError, "adjustments.boosts"),
        (lambda: Cap(CapKey.BRAND, 0), RequestError, "adjustments.caps.most"),
        (lambda: Adjustments(diversity=1.1), RequestError, "adjustments.diversity"),
        (lambda: Adjustments(diversity=float("nan")), RequestError, "adjustments.diversity"),
        (lambda: Adjustments(coverage=-0.1), RequestError, "adjustments.coverage"),
        (lambda: Adjustments((Boost(0.1, ("a",)),) * (MAX_RULES + 1)), TooManyError, "adjustments.boosts"),
        (lambda: Adjustments(include=("a",) * 51), TooManyError, "adjustments.include_product_ids"),
    ],
)
def test_bad_wishes_are_refused_with_their_field(make, error, field):
    with pytest.raises(error) as refused:
        make()
    assert refused.value.field == field
