"""How well demand is forecast one week ahead, the coming week's price and promotion being planned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from scipy import stats

from services.pricing.domain.demand.model import LEAST_OPEN, Demand, Floats, Ints, Settings
from services.pricing.domain.demand.substitutes import Bools, fit_beside, gaining, index

COVER: Final = 0.9
WIDTHS: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
DISCOUNT: Final = 0.05
"""A week whose price lies this share below the product's usual one is a discounted week."""


@dataclass(frozen=True, slots=True)
class Weeks:
    """N products, best sellers first, over W weeks: pieces sold, money paid, planned promotions (N, W, P).

    Where the shop's own records tell it: the share of each week that a product was for sale (N, W; NaN where
    they do not), and the price that was asked (N, W; NaN).
    """

    units: Floats
    paid: Floats
    promotions: Floats
    category: Ints
    open: Floats | None = None
    asked: Floats | None = None

    def prices(self) -> Floats:
        """The mean price a piece (N, W); a week without sales has the price that was asked, else that of the
        week before. Where orders pay more or less than is asked, so much more or less is taken as asked.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            price = np.where(self.units > 0, self.paid / self.units, np.nan)
        if self.asked is not None:
            price = np.where(np.isnan(price), self.asked * _usual_ratio(price, self.asked), price)
        first = np.argmax(~np.isnan(price), axis=1)
        held = price[np.arange(len(price)), first]
        for week in range(price.shape[1]):
            held = price[:, week] = np.where(np.isnan(price[:, week]), held, price[:, week])
        return np.asarray(price)

    def known(self) -> Floats:
        """The share of each week that a product could be sold (N, W); without records all of it from the
        first sale on."""
        listed = (np.maximum.accumulate(self.units, axis=1) > 0).astype(np.float64)
        return listed if self.open is None else np.where(np.isnan(self.open), listed, self.open)

    def until(self, week: int) -> "Weeks":
        """The weeks before one (a column)."""
        cut = (None if one is None else one[:, :week] for one in (self.open, self.asked))
        parts = (self.units[:, :week], self.paid[:, :week], self.promotions[:, :week])
        return Weeks(*parts, self.category, *cut)

    def none(self) -> Bools:
        """No category with cross effects (C)."""
        return np.zeros(int(self.category.max()) + 1, dtype=np.bool_)


def _usual_ratio(paid: Floats, asked: Floats) -> Floats:
    """How many times what is asked is paid as a rule (N, 1); 1 where both are never known."""
    ratio = paid / asked
    seen = ~np.isnan(ratio).all(axis=1)
    usual = np.ones(len(ratio))
    usual[seen] = np.nanmedian(ratio[seen], axis=1)
    return usual[:, None]


class Design(NamedTuple):
    """The usual prices (N) of the weeks that are learnt from; the features of all weeks (N, W, F): log price,
    promotions, and the log price index of the category's other products."""

    usual: Floats
    features: Floats


def design(weeks: Weeks, prices: Floats, learnt: int) -> Design:
    """What demand is explained by, the first `learnt` of the weeks (columns) being learnt from."""
    usual = np.median(prices[:, :learnt], axis=1)
    price = np.log(prices / usual[:, None])
    others = index(price, weeks.units[:, :learnt].sum(axis=1), weeks.category)
    promotions = weeks.promotions[:, : price.shape[1]]
    return Design(usual, np.concatenate([price[:, :, None], promotions, others[:, :, None]], axis=2))


def fit_weeks(
    weeks: Weeks, prices: Floats, learnt: int, settings: Settings, kept: Bools
) -> tuple[Demand, Design]:
    """Learns from the first `learnt` weeks; `kept` categories (C) have cross effects. `prices` may go on."""
    made = design(weeks, prices, learnt)
    units, features, known = weeks.units[:, :learnt], made.features[:, :learnt], weeks.known()[:, :learnt]
    return fit_beside(units, features, known, weeks.category, settings, kept), made


class Forecasts(NamedTuple):
    """Of N products in T weeks: what was forecast, what came, its dispersion, the 4-week mean, discounts."""

    expected: Floats
    units: Floats
    dispersion: Floats
    baseline: Floats
    discounted: np.ndarray[Any, np.dtype[np.bool_]]
    last: Demand


def forecast(
    weeks: Weeks, held_out: Sequence[int], settings: Settings, kept: Bools | None = None
) -> Forecasts:
    """Forecasts each of these weeks (columns) from the ones before it alone, and its plan.

    Weeks in which a product was not for sale count as 0 on all sides: what they would have sold nobody knows.
    """
    prices, expected, spread, low = weeks.prices(), [], [], []
    kept = weeks.none() if kept is None else kept
    for week in held_out:
        model, made = fit_weeks(weeks, prices[:, : week + 1], week, settings, kept)
        expected.append(model.expect(made.features[:, -1]))
        spread.append(model.dispersion)
        low.append(made.features[:, -1, 0] < np.log(1 - DISCOUNT))
    before = [weeks.units[:, week - 4 : week].mean(axis=1) for week in held_out]
    columns = [np.stack(column, axis=1) for column in (expected, spread, before)]
    told = weeks.known()[:, list(held_out)] >= LEAST_OPEN if weeks.open is not None else True
    came = weeks.units[:, list(held_out)] * told
    discounted = np.stack(low, axis=1) & told
    return Forecasts(columns[0] * told, came, columns[1], columns[2] * told, discounted, model)


def substituting(weeks: Weeks, earlier: Sequence[int], settings: Settings, alone: Forecasts) -> Bools:
    """The categories (C) whose earlier weeks are forecast better with cross effects than `alone`."""
    beside = forecast(weeks, earlier, settings, ~weeks.none())
    demand, dispersion = beside.last, alone.dispersion
    return gaining(alone.units, alone.expected, beside.expected, dispersion, demand, weeks.category)


def interval(found: Forecasts, width: float) -> tuple[Floats, Floats]:
    """The 90% interval: negative binomial with variance dispersion * mean + (width * mean)^2."""
    mean = np.maximum(found.expected, 1e-6)
    variance = np.maximum(found.dispersion, 1.001) * mean + (width * mean) ** 2
    size, chance = mean**2 / (variance - mean), mean / variance
    tail = (1 - COVER) / 2
    return stats.nbinom.ppf(tail, size, chance), stats.nbinom.ppf(1 - tail, size, chance)


def coverage(found: Forecasts, width: float) -> float:
    """The share of weeks whose units lie within the interval."""
    low, high = interval(found, width)
    return float(((found.units >= low) & (found.units <= high)).mean())


def chosen_width(earlier: Forecasts) -> float:
    """The width whose intervals cover nearest to 90% of earlier weeks."""
    return min(WIDTHS, key=lambda width: abs(coverage(earlier, width) - COVER))


def wape(expected: Floats, units: Floats) -> float:
    """The summed absolute error as a share of the units."""
    return float(np.abs(expected - units).sum() / units.sum())


def rmsse(found: Forecasts, history: Floats) -> float:
    """The mean over products of the error's root mean square against the naive forecast's in history."""
    naive = (np.diff(history, axis=1) ** 2).mean(axis=1)
    error = ((found.expected - found.units) ** 2).mean(axis=1)
    return float(np.sqrt(error[naive > 0] / naive[naive > 0]).mean())
