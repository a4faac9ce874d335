"""Demand: elasticities of made-up shops are found, shrunk and doubted as they should be."""

import numpy as np
import pytest

from services.kit.progress import silent
from services.pricing.config import Config
from services.pricing.domain.demand import level
from services.pricing.domain.demand.assessment import Weeks, coverage, forecast, interval, wape
from services.pricing.domain.demand.model import Demand, Settings, fit
from services.pricing.evaluate import evaluate
from tests.pricing import worlds

WEEKS = 40


def shop(seed: int = 0, products: int = 60) -> tuple[Weeks, np.ndarray]:
    """Sales with elasticities of -2 +- 0.3, promotions worth 1.0, that come with low prices; and those."""
    random = np.random.default_rng(seed)
    elasticity = random.normal(-2, 0.3, products)
    promoted = (random.random((products, WEEKS)) < 0.2).astype(float)
    price = 3 * np.exp(-0.2 * promoted - 0.2 * (random.random((products, WEEKS)) < 0.2))
    level = random.uniform(5, 60, products)[:, None]
    units = random.poisson(level * (price / 3) ** elasticity[:, None] * np.exp(promoted)).astype(float)
    return Weeks(units, units * price, promoted[:, :, None], np.zeros(products, dtype=np.int64)), elasticity


def learn(weeks: Weeks, known: np.ndarray | None = None) -> Demand:
    """The model of all weeks, prices against 3."""
    features = np.concatenate([np.log(weeks.prices() / 3)[:, :, None], weeks.promotions], axis=2)
    known = np.ones_like(weeks.units) if known is None else known
    return fit(weeks.units, features, known, weeks.category, Settings())


def test_elasticity_is_told_apart_from_what_promotion_adds() -> None:
    weeks, _ = shop()
    found = learn(weeks)
    assert found.coefficients.mean(axis=0) == pytest.approx([-2, 1], abs=0.15)


def test_a_price_that_never_moved_has_its_categorys_elasticity_and_says_so() -> None:
    weeks, _ = shop()
    weeks.paid[0] = weeks.units[0] * 3
    found = learn(weeks)
    assert found.prior_only.tolist() == [True] + [False] * 59
    assert found.coefficients[0, 0] == pytest.approx(-2, abs=0.2)


def test_weeks_out_of_stock_do_not_lower_demand() -> None:
    weeks, _ = shop()
    known = np.ones_like(weeks.units)
    whole = learn(weeks, known)
    weeks.units[:5, -3:], known[:5, -3:] = 0, 0
    censored, believed = learn(weeks, known), learn(weeks)
    assert censored.level[:5] == pytest.approx(whole.level[:5], rel=0.4)
    assert np.all(believed.level[:5] < censored.level[:5])


def test_a_week_is_forecast_from_the_weeks_before_it_alone() -> None:
    weeks, _ = shop()
    plain = forecast(weeks, [30], Settings())
    weeks.units[:, 31:] *= 50
    weeks.paid[:, 31:] *= 90
    assert forecast(weeks, [30], Settings()).expected.tolist() == plain.expected.tolist()


def test_forecasts_beat_the_four_week_mean_and_intervals_cover() -> None:
    found = forecast(shop()[0], range(32, 40), Settings())
    assert wape(found.expected, found.units) < 0.75 * wape(found.baseline, found.units)
    assert coverage(found, 0.0) == pytest.approx(0.9, abs=0.08)
    low, high = interval(found, 0.0)
    assert np.all(low <= high)


@pytest.mark.parametrize(
    "name",
    [
        "dips",
        "noisy dips",
        "steps, autocorrelated level",
        "steps, walking level",
        "few moves, autocorrelated level",
        "promotions with dips",
        "25 products",
    ],
)
def test_intervals_hold_nine_in_ten_true_elasticities(name: str) -> None:
    shops = [worlds.shop(worlds.WORLDS[name], seed) for seed in range(4)]
    hits = [worlds.held(worlds.learnt(one.weeks, one.asked), one.elasticity) for one in shops]
    assert 0.83 <= np.mean(hits) <= 0.96


def test_a_price_that_stays_for_long_tells_less_than_one_that_dips() -> None:
    price = np.zeros((2, 40, 1))
    price[0, 20:], price[1, 20] = -0.3, -0.3  # for good, and for a week
    found = level.apart(price, np.ones((2, 40)), np.ones((2, 40)), Settings(0.8, 0.2))[:, :, 0]
    assert found[1, 20] == pytest.approx(-0.3, abs=0.01)
    assert np.abs(found[0, 30:]).max() < 0.05


async def test_the_demo_shops_demand_is_measured_and_no_others(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="completejourney"):
        await evaluate(Config(home=tmp_path), progress=silent, shop="moon")


def test_a_week_without_sales_has_the_price_of_the_week_before() -> None:
    units = np.array([[0.0, 2, 0, 1]])
    weeks = Weeks(units, np.array([[0.0, 6, 0, 4]]), np.zeros((1, 4, 1)), np.zeros(1, dtype=np.int64))
    assert weeks.prices().tolist() == [[3, 3, 3, 4]]
