"""The placements beyond taste and context: what is new, what grows, this visit, and what models learnt."""

import numpy as np
import pytest

from services.recsys.adapters.memory import MemoryKnowledge
from services.recsys.domain.context import Asked
from services.recsys.domain.filters import EVERYTHING
from services.recsys.domain.models.basket import BasketModel
from services.recsys.domain.models.content import ContentModel, words_of
from services.recsys.domain.models.ease import Ease
from services.recsys.domain.models.session import SessionModel
from services.recsys.domain.neighbours import BadModelError
from services.recsys.domain.placements import MIXES, NEXT_BASKET, Placement
from services.recsys.domain.reasons import Code
from services.recsys.domain.recommend import Recommended, blend, recommend
from services.recsys.domain.signals import Kind, Signal
from services.recsys.domain.trained import Role, Trained
from tests.recsys import world

MONTH = 30 * 24.0


def ask(
    knowledge: MemoryKnowledge, placement: Placement, *, context=(), user="", visit=""
) -> list[Recommended]:
    asked = Asked((f"user:{user}",) if user else (), visit, context)
    return list(recommend(knowledge, placement, asked, EVERYTHING, (), 24).products)


def ids(found: list[Recommended]) -> list[str]:
    return [one.product_id for one in found]


def test_similar_and_bought_together_have_to_do_with_the_context(knowledge):
    assert ids(ask(knowledge, Placement.SIMILAR, context=["oat"])) == ["milk", "butter"]
    assert ids(ask(knowledge, Placement.FREQUENTLY_BOUGHT_TOGETHER, context=["oat"])) == []
    together = ask(knowledge, Placement.FREQUENTLY_BOUGHT_TOGETHER, context=["milk"])
    assert set(ids(together)) == {"cereal", "bread"}
    assert {one.reason.text for one in together} == {"Often bought with Whole Milk 1 Gal"}


def test_trending_is_what_grows_and_not_what_was_always_bought(knowledge):
    for hours in range(20):
        knowledge.take(world.bought("fay", "bread", hours=2 * MONTH + hours))
        knowledge.take(world.bought("gus", "soap", hours=2 * MONTH + hours))
    found = ask(knowledge, Placement.TRENDING)
    assert ids(found)[0] == "soap"
    assert "chips" not in ids(found)
    assert found[0].reason.text == "Trending in Bath"


def test_new_is_what_came_of_late_and_not_what_the_shop_began_with(knowledge):
    knowledge.put(world.Product("kefir", "Kefir", categories=("Food > Dairy > Kefir",)), world.at(2 * MONTH))
    knowledge.put(world.Product("lamp", "Lamp", categories=("Home > Light",)), world.at(2 * MONTH + 24))
    knowledge.put(world.Product("rug", "Rug", categories=("Home > Floor",)), world.at(MONTH - 48))
    assert ids(ask(knowledge, Placement.NEW)) == ["lamp", "kefir"]
    for_ann = ask(knowledge, Placement.NEW, user="ann")
    assert ids(for_ann) == ["kefir", "lamp"]
    assert for_ann[0].reason.text == "New in Dairy"


def test_who_is_unknown_sees_what_is_popular_in_their_segment(knowledge):
    for number in range(400):
        bought = Signal(
            f"user:h{number}", Kind.PURCHASE, 1.0, world.at(100), (("soap", 1),), segment="harbour"
        )
        knowledge.take(bought)
        knowledge.take(world.bought(f"x{number}", "bread"))
        knowledge.take(world.bought(f"y{number}", "bread"))

    def popular(segment: str) -> Recommended:
        asked = Asked(segment=segment)
        return recommend(knowledge, Placement.POPULAR, asked, EVERYTHING, (), 1).products[0]

    assert (popular("").product_id, popular("").reason.text) == ("bread", "Popular with our shoppers")
    assert (popular("harbour").product_id, popular("harbour").reason.text) == (
        "soap",
        "Popular where you shop",
    )


def test_of_what_is_new_that_stands_first_which_is_bought_already(knowledge):
    for name in ("kefir", "lamp"):
        knowledge.put(world.Product(name, name, categories=("Home > Light",)), world.at(2 * MONTH))
    knowledge.take(world.bought("fay", "kefir", hours=2 * MONTH + 1))
    assert ids(ask(knowledge, Placement.NEW)) == ["kefir", "lamp"]


def test_a_product_that_came_after_training_goes_with_what_its_words_foretell(knowledge):
    words = [words_of(product) for product in world.PRODUCTS]
    content = ContentModel(words, size=6, prior=1.0).fit(world.interactions())
    models = {**world.model().models, Role.CONTENT: content}
    knowledge.use(Trained(world.model().ids, models), "m5")
    assert "cereal" not in ids(ask(knowledge, Placement.FREQUENTLY_BOUGHT_TOGETHER, context=["goat"]))
    knowledge.put(world.Product("goat", "Goat Milk 1 Gal", "Farm", ("Food > Dairy > Milk",)))
    found = {one.product_id: one.reason.text for one in ask(knowledge, Placement.PRODUCT, context=["goat"])}
    assert list(found)[:3] == ["milk", "bread", "cereal"]
    assert found["cereal"] == "Goes with products like Goat Milk 1 Gal"
    # What is known to be bought with milk itself stands before what its words foretell.
    assert set(ids(ask(knowledge, Placement.PRODUCT, context=["milk"]))[:2]) == {"cereal", "bread"}


def test_a_visit_speaks_on_the_home_page_before_anything_is_bought(knowledge):
    def looked(product_id: str, hours: float) -> Signal:
        time = world.at(hours)
        return Signal("visitor:v", Kind.INTEREST, 0.2, time, ((product_id, 1),), session="session:s")

    knowledge.take(looked("salsa", 100))
    found = ask(knowledge, Placement.HOME, visit="s")
    assert ids(found)[0] in {"chips", "beer", "bread"}
    assert "Like Salsa, which you viewed in this visit" in {one.reason.text for one in found[:3]}
    knowledge.take(looked("oat", 101))
    texts = {one.product_id: one.reason.text for one in ask(knowledge, Placement.HOME, visit="s")}
    assert set(ids(ask(knowledge, Placement.HOME, visit="other"))[:2]) == {"bread", "chips"}
    assert "butter" in texts


def test_a_visit_is_answered_by_what_others_went_on_to_in_theirs(knowledge):
    data = world.interactions()
    knowledge.use(Trained(world.model().ids, {Role.SESSION: SessionModel().fit(data)}), "m3")
    time = world.at(100)
    knowledge.take(Signal("visitor:v", Kind.INTEREST, 0.2, time, (("cereal", 1),), session="session:s"))
    found = ask(knowledge, Placement.HOME, visit="s")
    assert set(ids(found)[:2]) == {"bread", "milk"}
    assert {one.reason.text for one in found[:2]} == {"Like Corn Cereal, which you viewed in this visit"}


@pytest.fixture
def modelled(knowledge: MemoryKnowledge) -> MemoryKnowledge:
    """The corner shop with a collaborative and a basket model, and weights that let only them speak."""
    data = world.interactions()
    models = {
        Role.COLLABORATIVE: Ease(regularisation=1.0, dropout=0.1).fit(data),
        Role.BASKET: BasketModel().fit(data),
    }
    weights = {
        MIXES[Placement.HOME].name: {"POPULAR": 0.001, "POPULAR_IN_LIKED": 0.0},
        NEXT_BASKET.name: {"REPEATS": 0.0, "POPULAR": 0.001},
    }
    knowledge.use(Trained([product.id for product in world.PRODUCTS], models, weights), "m2")
    return knowledge


def test_the_collaborative_model_answers_home_and_names_what_was_bought(modelled):
    modelled.take(world.bought("kim", "salsa", "beer"))
    found = ask(modelled, Placement.HOME, user="kim")
    assert set(ids(found)[:2]) == {"chips", "bread"}
    assert found[0].reason.code is Code.BECAUSE_YOU_BOUGHT
    assert set(found[0].reason.product_ids) <= {"salsa", "beer"}


def test_the_basket_model_answers_repeats_and_says_how_often(modelled):
    answer = blend(modelled, NEXT_BASKET, Asked(("user:ann",)))
    assert [one.product_id for one in answer.products[:2]] in (["bread", "milk"], ["milk", "bread"])
    assert answer.products[0].reason.text == "You bought this 3 times"


def test_models_that_do_not_fit_their_products_are_refused():
    with pytest.raises(BadModelError, match="collaborative"):
        Trained(["a"], {Role.COLLABORATIVE: Ease().fit(world.interactions())})


def test_a_product_that_came_after_training_is_asked_about_without_a_model_knowing_it(modelled):
    modelled.put(world.Product("kiwi", "Kiwi", categories=("Food > Fruit",)))
    modelled.take(world.bought("lou", "kiwi"))
    assert ids(ask(modelled, Placement.HOME, user="lou"))[0] == "bread"
    with modelled.shop() as shop:
        assert shop.served is not None
        assert shop.served.numbers(np.array(shop.catalogue.rows(["kiwi", "milk"]))).tolist() == [-1, 0]
