"""What `aisle evaluate pricing --shop` tells, of a made-up shop."""

from dataclasses import replace

import numpy as np

from services.kit.progress import silent
from services.pricing.adapters import boosting
from services.pricing.adapters.boosting import Boosting
from services.pricing.demand_report import figures
from tests.pricing import worlds

SHOP = worlds.shop(worlds.World(products=60, categories=3, promoted=True, noise=0.3), seed=5).weeks
TREES = Boosting(leaves=7, rounds=60)


def test_lightgbm_learns_from_the_weeks_before_alone_and_beats_the_four_week_mean() -> None:
    held = range(44, 50)
    plain = boosting.forecast(SHOP, held, TREES)
    came, mean = SHOP.units[:, 44:], np.stack([SHOP.units[:, t - 4 : t].mean(axis=1) for t in held], axis=1)
    assert np.abs(plain - came).sum() < 0.9 * np.abs(mean - came).sum()
    many = np.where(np.arange(50) < 44, 1.0, 9.0)
    later = replace(SHOP, units=SHOP.units * many, paid=SHOP.paid * many)  # at the same prices
    assert boosting.forecast(later, [44], TREES)[:, 0].tolist() == plain[:, 0].tolist()


def test_the_model_is_measured_beside_the_mean_and_lightgbm_with_intervals() -> None:
    found = figures(SHOP, range(40, 44), range(44, 48), (20, len(SHOP.units)), silent)
    metrics = found["metrics"]
    for name in ("wape_20", "four_week_mean_wape_20", "lightgbm_wape_20", "below_lightgbm_20"):
        assert metrics[name]["low"] <= metrics[name]["value"] <= metrics[name]["high"]
    assert metrics["wape_20"]["value"] < metrics["four_week_mean_wape_20"]["value"]
    assert found["chosen"]["lightgbm_leaves"] in (7, 15, 31)
