"""LightGBM as a baseline: gradient boosting over all products, with what the demand model has, and no more.

A row is a product in a week: price against the usual one, its own and its category's, and planned promotions,
of that week and those before; units of the weeks before against their own mean; category, usual price, week.
Units are learnt as a multiple of the product's mean so far (Poisson likelihood, the mean as offset), so that
slow and fast sellers teach each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import lightgbm
import numpy as np

from services.pricing.domain.demand.assessment import Weeks
from services.pricing.domain.demand.level import Floats
from services.pricing.domain.demand.substitutes import index

FIRST_ROW: Final = 8
"""Weeks of history that the first row to learn from has."""

SPANS: Final = (1, 2, 4, 8)
"""Units are averaged over so many weeks before."""

LEAST: Final = 0.05
SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Boosting:
    """How finely trees cut, and how long they go on."""

    leaves: int = 15
    rounds: int = 200
    rate: float = 0.05
    least_rows: int = 50


def forecast(weeks: Weeks, held_out: Sequence[int], how: Boosting) -> Floats:
    """Units expected (N, T) in each of these weeks (columns), learnt from the weeks before it alone."""
    prices = weeks.prices()
    return np.stack([_week(weeks, prices, week, how) for week in held_out], axis=1)


def _week(weeks: Weeks, prices: Floats, week: int, how: Boosting) -> Floats:
    made = [_rows(weeks, prices, at) for at in range(FIRST_ROW, week + 1)]
    rows, mean = np.concatenate([one for one, _ in made[:-1]]), np.concatenate([m for _, m in made[:-1]])
    units = weeks.units[:, FIRST_ROW:week].T.ravel()
    data = lightgbm.Dataset(rows, units, init_score=np.log(mean), categorical_feature=[0])
    settings: dict[str, Any] = {
        "objective": "poisson",
        "num_leaves": how.leaves,
        "learning_rate": how.rate,
        "min_data_in_leaf": how.least_rows,
        "cat_smooth": 50,
        "feature_fraction": 0.8,
        "seed": SEED,
        "deterministic": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    booster = lightgbm.train(settings, data, how.rounds)
    coming, level = made[-1]
    return np.asarray(level * np.exp(booster.predict(coming, raw_score=True)))


def _rows(weeks: Weeks, prices: Floats, week: int) -> tuple[Floats, Floats]:
    """A week's rows (N, F), from what is known before it and its plan; the mean of units so far (N)."""
    usual = np.median(prices[:, :week], axis=1)
    mean = np.maximum(weeks.units[:, :week].mean(axis=1), LEAST)
    recent = [weeks.units[:, week - span : week].mean(axis=1) / mean for span in SPANS]
    price = np.log(prices[:, week - 4 : week + 1] / usual[:, None])
    columns = [
        weeks.category,
        np.log(usual),
        np.log(mean),
        np.full(len(mean), week),
        *recent,
        price[:, -1],
        price[:, -2],
        index(price[:, -1:], mean, weeks.category)[:, 0],
        price[:, :-1].mean(axis=1),
        *weeks.promotions[:, week].T,
        *weeks.promotions[:, week - 1].T,
        *weeks.promotions[:, week - 4 : week].mean(axis=1).T,
    ]
    return np.stack(columns, axis=1).astype(np.float64), mean
