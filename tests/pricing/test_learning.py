"""Learning a price: the mix for a stock, the belief, propensities, and what is earned in markets."""

import json

import numpy as np
import pytest
from scipy.optimize import linprog
from typer.testing import CliRunner

from services.__main__ import app
from services.pricing.domain.learning.belief import Belief
from services.pricing.domain.learning.fluid import best_mix, best_value
from services.pricing.domain.learning.sampler import Settings, Thompson
from services.pricing.domain.market_tables import parse
from services.pricing.domain.markets import FERREIRA, NAMED
from services.pricing.domain.simulation import allowed, optimum, play, reachable, unguarded

PRICES = np.array([1.0, 2.0, 3.0, 4.0])


def test_the_best_mix_is_the_linear_programs() -> None:
    random = np.random.default_rng(1)
    for _ in range(200):
        demand, margin, stock = random.random(5), random.uniform(-1, 3, 5), random.random()
        exact = linprog(-demand * margin, A_ub=[demand, np.ones(5)], b_ub=[stock, 1])
        mix = best_mix(demand, margin, np.array(stock))
        assert mix @ demand <= stock + 1e-9
        assert 0 <= mix.sum() <= 1 + 1e-9
        assert best_value(demand, margin, np.array(stock)) == pytest.approx(-exact.fun, abs=1e-9)


def test_the_optimum_of_ferreiras_market_is_the_known_one() -> None:
    (market,) = parse(FERREIRA)
    assert optimum(market, 1000) == pytest.approx(10_100)  # 3/4 at 39.9, 1/4 at 44.9


def test_what_sold_at_one_price_tells_of_the_others() -> None:
    belief = Belief(PRICES)
    before = belief.demand()[0]
    belief.learn(np.array([[0, 100.0, 0, 0]]), np.array([[0, 2.0, 0, 0]]))
    after = belief.demand()[0]
    assert after[1] == pytest.approx(0.02, abs=0.03)
    assert np.all(after[1:] < before[1:])
    assert np.all(np.diff(after) <= 0)


def test_demand_that_is_no_logit_is_learnt_all_the_same() -> None:
    true = np.array([0.9, 0.85, 0.1, 0.09])
    belief = Belief(PRICES)
    belief.learn(np.full((1, 4), 10_000.0), 10_000 * true[None])
    assert belief.demand()[0] == pytest.approx(true, abs=0.01)


def test_propensities_are_chances_of_allowed_prices_and_exploration_leaves_none_out() -> None:
    sampler = Thompson(PRICES, 0.5, 3, np.random.default_rng(0), Settings(exploration=0.3))
    may = np.array([[1.0, 1, 0, 0], [0, 1, 1, 1], [1, 1, 1, 1]])
    chances = sampler.propensities(np.array([np.inf, 0.1, 0.3]), may)
    assert chances.sum(axis=1) == pytest.approx(1)
    assert np.all(chances[may == 0] == 0)
    assert np.all(chances[may == 1] >= 0.3 / 4 - 1e-12)


def test_guardrails_leave_what_is_near_and_inside() -> None:
    (market,) = parse({**FERREIRA, "guardrails": {"max_step": 0.15, "ceiling": 40}})
    assert allowed(market.prices, market.guardrails, np.array([1, 0])).tolist() == [
        [1, 1, 1, 0],
        [1, 1, 0, 0],
    ]


def test_the_sampler_earns_more_than_one_that_ignores_stock() -> None:
    (market,) = parse({**FERREIRA, "shoppers": 400})
    aware, blind = play(market, "thompson", 20)[-1], play(market, "thompson without stock", 20)[-1]
    assert aware.low > 0.95
    assert aware.low > blind.high + 0.1


def test_the_same_seed_plays_the_same() -> None:
    market = parse({**NAMED["beta"], "shoppers": 100, "report": []})[0]
    assert play(market, "thompson", 5, seed=3) == play(market, "thompson", 5, seed=3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prices": [2, 1, 3, 4]}, "higher than the one before"),
        ({"demand": [0.5]}, "one chance"),
        ({"demand": [float("nan")] * 4}, "demand must be a number, not nan"),
        ({"demand": [1.5, 0.6, 0.3, 0.1]}, "one chance"),
        ({"prices": "cheap"}, "prices must be a list of numbers"),
        ({"prices": [1, 2, 3, float("inf")]}, "prices must be a number, not inf"),
        ({"prices": list(range(1, 102))}, "at most 100 prices"),
        ({"shoppers": "many"}, "shoppers must be a number, not 'many'"),
        ({"shoppers": 10.5}, "shoppers must be a whole number"),
        ({"shoppers": 10**11}, "from 1 to 1,000,000"),
        ({"stock": 0}, "stock must be above 0"),
        ({"report": 5}, "report must be a list"),
        ({"cases": 3}, "cases must be tables"),
        ({"cases": [{"cases": []}]}, "unknown key 'cases'"),
        ({"demand": None, "willingness": 3}, "a table willingness"),
        ({"willingness": {"kind": "gamma"}}, "must be one of beta, logit, lognormal, normal, uniform"),
        ({"willingness": {"kind": "beta", "a": 2}}, "'b' is missing"),
        ({"willingness": {"kind": "logit", "level": 2, "slope": 1, "scale": 2}}, "unknown key 'scale'"),
        ({"guardrails": {"max_step": "a"}}, "max_step must be a number, not 'a'"),
        ({"colour": 1}, "unknown key 'colour'"),
        ({"guardrails": {"floor": 100}}, "leave no price"),
        ({"guardrails": {"roof": 100}}, "roof"),
        ({"cost": 50}, "earns anything"),
        ({"batch": 0}, "batch must be a whole number from 1"),
    ],
)
def test_a_market_that_makes_no_sense_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse({key: value for key, value in {**FERREIRA, **_without(change)}.items() if value is not None})


def _without(change: dict[str, object]) -> dict[str, object]:
    """Willingness stands for demand, which goes before it."""
    return {"demand": None, **change} if "willingness" in change else change


def test_what_the_guardrails_leave_within_reach_is_known() -> None:
    table = {"prices": [1, 2, 3, 4, 5], "demand": [0.9, 0.3, 0.2, 0.1, 0.1], "shoppers": 40, "batch": 10}
    market = parse({**table, "guardrails": {"max_step": 0.1}})[0]
    # from 3, a step a batch: 0.6 a shopper at 2, then 0.9 at 1
    assert reachable(market, 40) == pytest.approx((10 * 0.6 + 30 * 0.9) / 36)
    assert reachable(unguarded(market), 40) == pytest.approx(1)
    assert reachable(parse(FERREIRA)[0], 1000) is None


def test_the_command_plays_a_market_from_a_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "mine.toml"
    path.write_text(
        "prices = [1, 2, 3]\nshoppers = 200\ncost = 0.2\n"
        'willingness = { kind = "logit", level = 4, slope = 2 }\n'
        "[guardrails]\nmax_step = 0.5\n"
    )
    done = CliRunner().invoke(
        app, ["simulate", "pricing", "--market", str(path), "--runs", "5", "--json"], catch_exceptions=False
    )
    report = json.loads(done.stdout)
    assert {row["policy"] for row in report["results"]} >= {"thompson", "greedy", "ucb1"}
    assert all(0 < row["share_of_optimum"] < 1.2 for row in report["results"])
    assert len(report["guardrail_cost"]) == 1


def test_a_market_that_is_not_there_is_told() -> None:
    done = CliRunner().invoke(app, ["simulate", "pricing", "--market", "moon"])
    assert done.exit_code == 1
    assert "moon" in done.output
