"""Products for the optimiser in a few words: their demand, costs and goals. Amounts as people write them."""

from dataclasses import replace

from services.pricing.domain.demand.response import Response
from services.pricing.domain.optimiser.candidates import Item
from services.pricing.domain.optimiser.goals import Goals
from services.pricing.domain.policy import Mode, Policy
from services.pricing.domain.product import Facts, Money, Product
from services.pricing.domain.terms import Terms
from tests.pricing.shop import START_MICROS, units

NOW = START_MICROS


def item(
    product_id: str,
    price: float = 10.0,
    *,
    cost: float | None = 5.0,
    elasticity: float = -2.0,
    error: float = 0.0,
    shared: float = 0.0,
    dispersion: float = 1.0,
    sells: float = 100.0,
    prior_only: bool = False,
    goals: Goals | None = None,
    policy: Policy | None = None,
    stock: int | None = None,
    size: str = "",
    brand: str = "",
    family: str = "",
    category: str = "Tea",
    lowest: float | None = None,
    day_ago: float | None = None,
    trusted: tuple[float, float] = (0.01, 1000.0),
    cross: float = 0.0,
    cross_error: float = 0.0,
) -> Item:
    """A product that sells `sells` a week at its price."""
    product = Product(
        Money("USD", units(price)),
        None if cost is None else Money("USD", units(cost)),
        (category,),
        brand=brand,
        size=size,
        primary_id=family,
        stock=stock,
    )
    policy = replace(policy or Policy(mode=Mode.PROPOSE), goals=goals)
    response = Response(
        product_id,
        category,
        "USD",
        price,
        sells,
        elasticity,
        error,
        prior_only,
        dispersion,
        shared,
        cross,
        cross_error,
        sold=sells * 52,
    )
    return Item(
        product_id,
        units(price),
        () if lowest is None else ((NOW, units(lowest)),),
        None if day_ago is None else units(day_ago),
        (units(trusted[0]), units(trusted[1])),
        Facts(product),
        Terms(policy),
        response,
    )
