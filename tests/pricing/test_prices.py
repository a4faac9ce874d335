"""Right answers that a reader sees by eye, on both databases."""

import pytest

from services.pricing.domain import words
from services.pricing.domain.errors import InvalidValue, MixedCurrencies
from services.pricing.domain.policy import Policy
from services.pricing.domain.product import Basis
from tests.pricing.shop import Shop, deletion, order, product, units


def reason(shop: Shop, product_id: str) -> str:
    quote = shop.quote(product_id)
    assert quote
    return words.reason(quote.rule, quote.basis)


def test_the_list_price_is_the_price(shop: Shop) -> None:
    shop.catalog(product("milk", 1.99))
    quote = shop.quote("milk")
    assert quote
    assert (quote.price, quote.list_price, quote.currency, quote.basis) == (
        units(1.99),
        units(1.99),
        "USD",
        Basis.LIST,
    )
    assert reason(shop, "milk") == "list price"


def test_without_a_list_price_the_latest_observed_price_is(shop: Shop) -> None:
    now = shop.clock.now
    shop.catalog(product("milk"))
    shop.orders(order({"milk": 1.79}, now - 100), order({"milk": 1.69}, now - 200))
    quote = shop.quote("milk")
    assert quote
    assert (quote.price, quote.list_price, quote.basis) == (units(1.79), None, Basis.OBSERVED)
    assert reason(shop, "milk") == "latest observed price"


def test_of_one_event_time_the_last_in_the_log_counts(shop: Shop) -> None:
    shop.catalog(product("milk"))
    shop.orders(order({"milk": 1.79}, 5), order({"milk": 1.69}, 5))
    assert shop.price("milk") == 1.69


def test_a_gift_says_nothing_of_the_price(shop: Shop) -> None:
    shop.catalog(product("milk"))
    shop.orders(order({"milk": 1.79}, 5), order({"milk": 0.0}, 6))
    assert shop.price("milk") == 1.79


def test_unknown_and_unpriced_products_have_no_quote(shop: Shop) -> None:
    shop.catalog(product("milk"))
    shop.orders(order({"never listed": 2.0}, 5))
    assert shop.quote("milk") is None
    assert shop.quote("never listed") is None
    assert shop.quote("nobody knows it") is None


def test_a_deleted_product_has_no_quote_and_comes_back(shop: Shop) -> None:
    shop.catalog(product("milk", 1.99))
    shop.orders(order({"milk": 1.50}, shop.clock.now))
    shop.catalog(deletion("milk"))
    assert shop.quote("milk") is None
    shop.catalog(product("milk", 1.99))
    assert shop.price("milk") == 1.99
    assert shop.ledger("milk") == [(0.0, 1.99)]


def test_the_order_of_both_streams_does_not_matter_for_the_price(shop: Shop) -> None:
    shop.orders(order({"milk": 1.79}, 5))
    shop.catalog(product("milk"))
    assert shop.price("milk") == 1.79


def test_cost_and_margin_lift_the_price(shop: Shop) -> None:
    shop.catalog(product("milk", 2.00, cost=2.00))
    shop.policy(Policy(min_margin=200_000))
    assert shop.price("milk") == 2.50
    assert reason(shop, "milk") == "raised to keep the least margin"


def test_floor_and_ceiling(shop: Shop) -> None:
    shop.catalog(product("cheap", 1.0), product("dear", 9.0))
    shop.policy(Policy(currency="USD", floor=units(2), ceiling=units(5)))
    assert (shop.price("cheap"), shop.price("dear")) == (2.0, 5.0)
    assert reason(shop, "cheap") == "raised to the floor"
    assert reason(shop, "dear") == "lowered to the ceiling"


def test_the_margin_floor_is_stronger_than_the_ceiling(shop: Shop) -> None:
    shop.catalog(product("dear", 9.0, cost=6.0))
    shop.policy(Policy(currency="USD", ceiling=units(5)))
    assert shop.price("dear") == 6.0


def test_endings(shop: Shop) -> None:
    shop.catalog(product("a", 3.60), product("b", 3.10), product("free", 0.0))
    shop.policy(Policy(endings=(490_000, 990_000)))
    assert (shop.price("a"), shop.price("b"), shop.price("free")) == (3.49, 2.99, 0.0)


def test_an_ending_does_not_break_the_floor(shop: Shop) -> None:
    shop.catalog(product("a", 3.00))
    shop.policy(Policy(currency="USD", floor=units(3), endings=(990_000,)))
    assert shop.price("a") == 3.99


def test_the_most_special_policy_applies(shop: Shop) -> None:
    tree = ["Food > Dairy > Milk"]
    shop.catalog(*(product(name, 1.0, categories=tree) for name in ("own", "below")), product("other", 1.0))

    def floor(amount: float, kind: str, scope: str = "") -> Policy:
        return Policy(kind=kind, scope=scope, currency="USD", floor=units(amount))  # type: ignore[arg-type]

    shop.policy(floor(2, "market"))
    shop.policy(floor(3, "category", "Food"))
    assert [shop.price(name) for name in ("own", "below", "other")] == [3.0, 3.0, 2.0]
    shop.policy(floor(4, "category", "Food > Dairy"))
    shop.policy(floor(5, "product", "own"))
    assert [shop.price(name) for name in ("own", "below", "other")] == [5.0, 4.0, 2.0]


def test_a_policy_in_another_currency_is_passed_over(shop: Shop) -> None:
    shop.catalog(product("brie", 1.0, currency="EUR", categories=["Food"]))
    shop.policy(Policy(currency="EUR", floor=units(2)))
    shop.policy(Policy(kind="category", scope="Food", currency="USD", floor=units(3)))
    assert shop.price("brie") == 2.0
    with pytest.raises(MixedCurrencies):
        shop.policy(Policy(kind="product", scope="brie", currency="USD", floor=units(3)))


def test_another_market_shares_list_prices_and_has_its_own_policies(shop: Shop) -> None:
    shop.catalog(product("milk", 2.0))
    with pytest.raises(InvalidValue):
        shop.quote("milk", "north")
    shop.policy(Policy(market="north", kind="product", scope="milk", currency="USD", floor=units(3)))
    shop.catalog(product("bread", 1.0))
    assert (shop.price("milk"), shop.price("milk", "north"), shop.price("bread", "north")) == (2.0, 3.0, 1.0)
    assert shop.ledger("milk", "north") == [(0.0, 3.0)]


def test_the_same_policy_again_changes_nothing(shop: Shop) -> None:
    first = shop.policy(Policy(currency="USD", floor=units(3)))
    shop.clock.go(1)
    assert shop.policy(Policy(currency="USD", floor=units(3))) == first
