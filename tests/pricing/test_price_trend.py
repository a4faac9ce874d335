"""What prices will likely be: reductions end, prices that stay stay, and intervals hold."""

import numpy as np
import pytest

from services.pricing.domain.demand.price_trend import (
    AHEAD,
    STAYS,
    Rule,
    errors,
    forecast,
    learn,
    learnt_from,
    outlook,
)


def dipping(seed: int, products: int = 100, weeks: int = 40) -> np.ndarray:
    """Prices around 4.00 of which a sixth is reduced in a week, for a week."""
    random = np.random.default_rng(seed)
    usual = random.uniform(2, 6, (products, 1))
    return usual * np.exp(-0.3 * (random.random((products, weeks)) < 1 / 6))


def walking(seed: int) -> np.ndarray:
    """Prices that change now and then for good."""
    random = np.random.default_rng(seed)
    steps = random.choice([-0.1, 0.0, 0.1], (100, 40), p=(0.05, 0.9, 0.05))
    return 4 * np.exp(np.cumsum(steps, axis=1))


def test_a_reduced_price_is_to_go_back_and_a_rising_one_on() -> None:
    reduced = np.array([[4.0] * 11 + [3.0]])
    assert np.exp(forecast(reduced, STAYS))[0] == pytest.approx([3.0] * AHEAD)
    assert np.exp(forecast(reduced, Rule(0.2)))[0, -1] == pytest.approx(4.0, abs=0.01)
    rising = 4 * np.exp(0.01 * np.arange(12))[None]
    assert np.exp(forecast(rising, Rule(1.0, 0.9)))[0, -1] > rising[0, -1] * 1.02


def test_a_rule_is_chosen_where_it_beats_what_stays_and_intervals_hold() -> None:
    prices = dipping(0)
    trend = learn(prices[:, :30], learnt_from(30) or range(0))
    assert trend.rule.stay < 1
    assert trend.error < 0.9 * trend.stays
    apart, moves = errors(prices, range(30, 37), trend.rule)
    assert 0.85 <= (np.abs(apart) <= trend.width * moves).mean() <= 0.95


def test_where_no_rule_is_better_prices_stay_with_an_interval() -> None:
    prices = walking(1)
    trend = learn(prices, learnt_from(40) or range(0))
    assert trend.rule == STAYS
    told = outlook(prices, trend)
    assert told.price == pytest.approx(np.repeat(prices[:, -1:], AHEAD, axis=1))
    assert (told.low < told.price).all()
    assert (np.diff(told.high - told.low, axis=1) >= 0).all()
    assert len(told.told(0)) == AHEAD


def test_few_weeks_tell_no_trend() -> None:
    assert learnt_from(19) is None
    assert learnt_from(20) == range(16, 17)
