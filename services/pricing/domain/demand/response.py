"""What is known of a product's demand: how much it sells, and how that answers to its price."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.pricing.domain.demand.crossing import Crossing
from services.pricing.domain.demand.level import Floats
from services.pricing.domain.demand.model import Demand
from services.pricing.domain.demand.price_trend import Outlook

NORMAL: Final = 1.6449
"""The normal distribution's 95% point: a 90% interval's half width in standard errors."""


@dataclass(frozen=True, slots=True)
class Response:
    """A product's weekly units at its usual price, its own-price elasticity and the standard error of that.

    `prior_only`: its price never moved, so the elasticity is its category's. Amounts are units of `currency`.
    `dispersion` is the variance of a week's units as a multiple of their mean, `shared_error` the part of the
    elasticity's error that the products of its category have in common.

    `cross_elasticity`: a per cent that all others of its category become dearer adds so many per cent to its
    units; 0 where that was not found. `sold` pieces in the model's weeks are its weight among them.

    `outlook`: its likely price in 1, 2 ... weeks and the ends of the 90% interval; empty where weeks are few.
    """

    product_id: str
    category: str
    currency: str
    price: float
    weekly_units: float
    elasticity: float
    elasticity_error: float
    prior_only: bool
    dispersion: float = 1.0
    shared_error: float = 0.0
    cross_elasticity: float = 0.0
    cross_error: float = 0.0
    sold: float = 0.0
    outlook: Sequence[Sequence[float]] = ()

    def units(self, price: float) -> float:
        """Expected units of a week at a price: units x (price / usual price) ** elasticity."""
        return self.weekly_units * math.pow(price / self.price, self.elasticity)

    def interval(self, price: float) -> tuple[float, float]:
        """A 90% interval of that, for the doubt about the elasticity alone."""
        apart = NORMAL * self.elasticity_error * abs(math.log(price / self.price))
        expected = self.units(price)
        return expected * math.exp(-apart), expected * math.exp(apart)


class Responses(Mapping[str, Response]):
    """The responses of all products that a model knows, by id, and the model's version."""

    def __init__(self, version: str, found: Sequence[Response]) -> None:
        self.version = version
        self._found = {one.product_id: one for one in found}
        self.crossing = Crossing(found)

    def __getitem__(self, product_id: str) -> Response:
        return self._found[product_id]

    def __iter__(self) -> Any:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def responses(
    demand: Demand,
    product_ids: Sequence[str],
    categories: Sequence[str],
    usual: Floats,
    sold: Floats,
    currency: str,
    outlook: Outlook | None = None,
) -> list[Response]:
    """What was learnt of each product; `usual` (N) is the price that log prices are relative to, `sold` (N)
    pieces in all. The last coefficient is the cross elasticity."""
    return [
        Response(
            product_id,
            category,
            currency,
            float(usual[at]),
            float(demand.level[at]),
            float(demand.coefficients[at, 0]),
            float(demand.errors[at, 0]),
            bool(demand.prior_only[at]),
            float(demand.dispersion[at]),
            float(demand.shared[at, 0]),
            float(demand.coefficients[at, -1]),
            float(demand.errors[at, -1]),
            float(sold[at]),
            outlook.told(at) if outlook else (),
        )
        for at, (product_id, category) in enumerate(zip(product_ids, categories, strict=True))
    ]
