"""What a product is expected to bring at each of many prices, and how sure that is: the demand curve."""

from typing import Final, NamedTuple

import numpy as np

from services.pricing.domain.limits import MICROS
from services.pricing.domain.optimiser.candidates import Item
from services.pricing.domain.optimiser.doubt import bent
from services.pricing.domain.optimiser.gains import demand, draws, interval
from services.pricing.domain.optimiser.goals import Objective
from services.pricing.domain.optimiser.grain import rounded
from services.pricing.domain.proposal import Interval

POINTS: Final = 41
BEYOND: Final = 0.1
"""How far the curve goes beyond the prices that are known, as a share of them."""


class Point(NamedTuple):
    """A week at a price in micros; amounts in units of the currency, margin None where no cost is known."""

    price: int
    units: Interval
    revenue: Interval
    margin: Interval | None


class Curve(NamedTuple):
    """`best` is the price at which the policy's objective is expected to bring most of those that the
    elasticity is believed at, whatever rules say; None where the objective has no best price or needs a cost.
    """

    item: Item
    points: list[Point]
    best: int | None


def curve(item: Item) -> Curve:
    """The curve around the price in force and the prices that the elasticity is believed at."""
    low, high = (edge / MICROS for edge in item.trusted)
    now = item.price / MICROS
    ends = min(low, now) * (1 - BEYOND), max(high, now) * (1 + BEYOND)
    currency = item.response.currency
    asked = sorted(
        {rounded(price * MICROS, currency) for price in np.geomspace(*ends, POINTS)} | {item.price}
    )
    price = np.array(asked) / MICROS
    elasticity = draws(item)
    units = demand(item.response, price, elasticity, (low, high))
    units *= bent(item.response.price, price, elasticity, (low, high))
    revenue = units * price[:, None]
    margin = None if item.cost is None else revenue - units * item.cost / MICROS
    points = [
        Point(
            one,
            interval(units[at]),
            interval(revenue[at]),
            None if margin is None else interval(margin[at]),
        )
        for at, one in enumerate(asked)
    ]
    return Curve(item, points, _best(item, points))


def _best(item: Item, points: list[Point]) -> int | None:
    objective = item.goals.objective
    inside = [one for one in points if item.trusted[0] <= one.price <= item.trusted[1]]
    if objective is Objective.MARGIN:
        earning = [(one.margin.value, one.price) for one in inside if one.margin]
        return max(earning)[1] if earning else None
    if objective is Objective.UNITS or not inside:
        return None
    return max((one.revenue.value, one.price) for one in inside)[1]
