"""What each candidate is expected to bring in a week, with the doubt about the elasticity.

    units(p) = weekly units * (p / usual price) ** elasticity

The elasticity is drawn from its normal distribution (evenly spread quantiles), so that expectations and 90%
intervals come from one set of draws. Far beyond the prices that were ever in force nothing is promised: a
lower price sells no more, the demand for a higher one falls by an elasticity of -1 at least.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from services.pricing.domain.demand.response import Response
from services.pricing.domain.limits import DAY, MICROS
from services.pricing.domain.optimiser.candidates import Candidate, Item
from services.pricing.domain.optimiser.doubt import QUANTILES, bent, quantiles
from services.pricing.domain.optimiser.goals import Goals, Objective
from services.pricing.domain.optimiser.sales import Floats, expected_sales
from services.pricing.domain.proposal import Interval

WEEK: Final = 7 * DAY
LOW, HIGH = 0.05, 0.95
WORTH: Final = 0.001
"""A change has to bring more than this share of what the product brings now, or the price stays."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Of P candidates in S draws, a week's units, revenue and margin (P, S); margin None without a cost.

    `score` (P) is what the choice goes by: the objective's expected gain over the first candidate.
    """

    units: Floats
    revenue: Floats
    margin: Floats | None
    score: Floats


def outlook(item: Item, prices: list[Candidate], goals: Goals, now: int) -> Outlook | str:
    """What the candidates bring; in words why that cannot be told. Amounts are units of the currency."""
    price = np.array([candidate.price for candidate in prices]) / MICROS
    weeks = _weeks(goals, now)
    if isinstance(weeks, str):
        return weeks
    elasticity = draws(item)
    trusted = (item.trusted[0] / MICROS, item.trusted[1] / MICROS)
    as_learnt = demand(item.response, price, elasticity, trusted)
    units = as_learnt * bent(item.response.price, price, elasticity, trusted)
    if weeks and item.stock is not None:
        as_learnt, units = (
            expected_sales(one * weeks, item.stock, item.response.dispersion) / weeks
            for one in (as_learnt, units)
        )
    revenue = units * price[:, None]
    margin = None if item.cost is None else revenue - units * item.cost / MICROS
    if goals.objective is Objective.CLEARANCE and item.stock is None:
        return "its stock is not counted"
    if margin is None and (goals.objective is Objective.MARGIN or goals.max_margin_loss is not None):
        return "its cost is not known, so that its margin cannot be told"
    # the choice goes by the form of demand that was learnt, what is told by whatever form it may have
    pieces = {Objective.MARGIN: price - (item.cost or 0) / MICROS, Objective.UNITS: np.ones(len(price))}
    value = as_learnt * pieces.get(goals.objective, price)[:, None]
    score = _score(item, value - value[0]) - _charge(item, price, goals, revenue, now)
    score[1:] -= WORTH * abs(float(value[0].mean()))
    return Outlook(units, revenue, margin, score)


def demand(response: Response, price: Floats, elasticity: Floats, trusted: tuple[float, float]) -> Floats:
    """Expected units of a week (P, S) at P prices, for S elasticities."""
    low, high = trusted
    inside = np.log(np.clip(price, low, high) / response.price)[:, None]
    beyond = np.log(np.maximum(price / high, 1.0))[:, None]
    effect = inside * elasticity + beyond * np.minimum(elasticity, -1.0)
    return np.asarray(response.weekly_units * np.exp(effect))


def interval(change: Floats) -> Interval:
    """The mean of draws (S) and their 90% interval."""
    low, high = np.quantile(change, (LOW, HIGH), method="hazen")
    return Interval(float(change.mean()), float(low), float(high))


def _weeks(goals: Goals, now: int) -> float | str:
    """How many weeks the stock has to last; 0 where it is not looked at."""
    if goals.objective is not Objective.CLEARANCE:
        return float(goals.stock_weeks)
    weeks = (goals.clear_until - now) / WEEK
    return weeks if weeks > 0 else "the day until which it was to be cleared has passed"


def draws(item: Item) -> Floats:
    """The elasticities (S): normal, with that part of the doubt in common that the products of its category
    share, so that the doubts of many products do not cancel out.
    """
    known = item.response
    common = min(1.0, (known.shared_error / known.elasticity_error) ** 2) if known.elasticity_error else 0.0
    mixed = np.sqrt(common) * quantiles(item.category) + np.sqrt(1 - common) * quantiles(item.product_id)
    ranks = np.argsort(np.argsort(mixed))  # each product's own distribution stays exact
    return np.asarray(np.minimum(known.elasticity + known.elasticity_error * QUANTILES[ranks], 0.0))


def _score(item: Item, gain: Floats) -> Floats:
    """The mean gain; of a product whose price never moved the low end: it moves only on safe ground."""
    return np.asarray(
        np.quantile(gain, LOW, axis=1, method="hazen") if item.response.prior_only else gain.mean(axis=1)
    )


def _charge(item: Item, price: Floats, goals: Goals, revenue: Floats, now: int) -> Floats:
    """What a price costs that forbids announcing a reduction from the old one for 30 days; endless where the
    reference has to be kept.
    """
    dips = price < item.reference(now) / MICROS
    if goals.keep_reference_until > now:
        return np.where(dips, np.inf, 0.0)
    return np.asarray(dips * (goals.announcement_value / MICROS * revenue[0].mean()))
