"""What moves with time: the daily step, the 30 days before a reduction, clocks that jump; both databases."""

from services.pricing.domain.limits import DAY
from services.pricing.domain.policy import Policy
from tests.pricing.shop import START_MICROS, Shop, deletion, order, product, units


def test_the_daily_step_holds_a_price_back_and_lets_it_go_day_by_day(shop: Shop) -> None:
    shop.policy(Policy(max_daily_step=100_000))
    shop.catalog(product("milk", 10.0))
    shop.clock.go(2)
    shop.catalog(product("milk", 12.0))
    assert shop.price("milk") == 11.0
    shop.clock.go(0.5)
    assert shop.store.make_due() == 0
    shop.clock.go(0.5)
    assert shop.store.make_due() == 1
    assert shop.price("milk") == 12.0
    shop.clock.go(5)
    assert shop.store.make_due() == 0
    assert shop.ledger("milk") == [(0.0, 10.0), (2.0, 11.0), (3.0, 12.0)]


def test_many_small_changes_do_not_walk_past_the_daily_step(shop: Shop) -> None:
    shop.policy(Policy(max_daily_step=100_000))
    shop.catalog(product("milk", 10.0))
    shop.clock.go(2)
    for price in (10.9, 11.5, 12.5):
        shop.clock.go(0.1)
        shop.catalog(product("milk", price))
    assert shop.price("milk") == 11.0


def test_a_price_younger_than_a_day_is_measured_against_its_first(shop: Shop) -> None:
    shop.policy(Policy(max_daily_step=100_000))
    shop.catalog(product("milk", 10.0))
    shop.clock.go(0.1)
    shop.catalog(product("milk", 20.0))
    assert shop.price("milk") == 11.0


def test_the_floor_is_stronger_than_the_daily_step(shop: Shop) -> None:
    shop.catalog(product("milk", 10.0))
    shop.clock.go(2)
    shop.policy(Policy(currency="USD", floor=units(15), max_daily_step=100_000))
    assert shop.price("milk") == 15.0


def test_a_deleted_product_is_not_stepped(shop: Shop) -> None:
    shop.policy(Policy(max_daily_step=100_000))
    shop.catalog(product("milk", 10.0))
    shop.clock.go(2)
    shop.catalog(product("milk", 20.0), deletion("milk"))
    shop.clock.go(2)
    assert shop.store.make_due() == 0


def test_a_reduction_is_measured_from_the_lowest_price_of_the_30_days_before(shop: Shop) -> None:
    shop.catalog(product("milk", 9.0))
    shop.clock.go(20)
    shop.catalog(product("milk", 12.0))  # raised before the sale, to look good: does not help
    shop.clock.go(5)
    shop.catalog(product("milk", 6.0))
    quote = shop.quote("milk")
    assert quote
    assert (quote.lowest, quote.discount_percent) == (units(9), 33)


def test_prices_older_than_30_days_do_not_count(shop: Shop) -> None:
    shop.catalog(product("milk", 5.0))
    shop.clock.go(10)
    shop.catalog(product("milk", 12.0))
    shop.clock.go(31)
    shop.catalog(product("milk", 6.0))
    quote = shop.quote("milk")
    assert quote
    assert (quote.lowest, quote.discount_percent) == (units(12), 50)


def test_no_reduction_is_claimed_from_a_price_that_was_as_low_before(shop: Shop) -> None:
    for price in (6.0, 12.0, 6.0):
        shop.catalog(product("milk", price))
        shop.clock.go(1)
    quote = shop.quote("milk")
    assert quote
    assert (quote.lowest, quote.discount_percent) == (None, 0)


def test_a_deepening_reduction_keeps_the_price_that_it_began_from(shop: Shop) -> None:
    for price in (10.0, 8.0, 5.0, 9.0):
        shop.catalog(product("milk", price))
        shop.clock.go(3)
        if price == 5.0:
            quote = shop.quote("milk")
            assert quote
            assert (quote.lowest, quote.discount_percent) == (units(10), 50)
    quote = shop.quote("milk")
    assert quote
    assert (quote.lowest, quote.discount_percent) == (units(10), 10)


def test_a_reduction_ends_when_the_price_is_back_and_after_30_days(shop: Shop) -> None:
    shop.catalog(product("milk", 10.0), product("bread", 10.0))
    shop.clock.go(3)
    shop.catalog(product("milk", 8.0), product("bread", 8.0))
    shop.clock.go(3)
    shop.catalog(product("milk", 10.0))
    quote = shop.quote("milk")
    assert quote
    assert quote.lowest is None
    bread = shop.quote("bread")
    assert bread
    assert bread.lowest == units(10)
    shop.clock.go(30)
    bread = shop.quote("bread")
    assert bread
    assert (bread.lowest, bread.discount_percent) == (None, 0)


def test_old_history_fills_the_ledger_and_claims_nothing(shop: Shop) -> None:
    shop.clock.go(400)
    shop.catalog(product("milk"))
    prices = [3.0, 2.5, 2.5, 2.0]
    shop.orders(*(order({"milk": price}, START_MICROS + day * DAY) for day, price in enumerate(prices)))
    assert shop.ledger("milk") == [(0.0, 3.0), (1.0, 2.5), (3.0, 2.0)]
    quote = shop.quote("milk")
    assert quote
    assert quote.lowest is None


def test_a_clock_that_jumps_back_never_turns_the_ledger_around(shop: Shop) -> None:
    shop.clock.go(10)
    shop.catalog(product("milk", 3.0))
    shop.clock.go(-5)
    shop.catalog(product("milk", 4.0))
    shop.policy(Policy(currency="USD", floor=units(5)))
    assert shop.ledger("milk") == [(10.0, 3.0), (10.0, 4.0), (10.0, 5.0)]
    assert shop.price("milk") == 5.0


def test_an_order_from_the_future_counts_from_when_the_log_took_it(shop: Shop) -> None:
    shop.catalog(product("milk"))
    shop.orders(order({"milk": 2.0}, shop.clock.now + 40 * DAY))
    shop.clock.go(1)
    shop.orders(order({"milk": 1.0}, shop.clock.now))
    assert shop.ledger("milk") == [(0.0, 2.0), (1.0, 1.0)]


def test_another_currency_begins_a_new_account(shop: Shop) -> None:
    shop.catalog(product("milk", 9.0))
    shop.clock.go(1)
    shop.catalog(product("milk", 3.0, currency="EUR"))
    quote = shop.quote("milk")
    assert quote
    assert (quote.currency, quote.lowest) == ("EUR", None)
