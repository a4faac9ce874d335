"""Markets to try learning in: prices, true demand, shoppers and stock."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.pricing.domain.learning.belief import Floats


@dataclass(frozen=True, slots=True)
class Guardrails:
    """What a shop does not let the sampler do: `max_step` is the largest change a batch, as a share."""

    floor: float = 0.0
    ceiling: float = math.inf
    max_step: float = math.inf


@dataclass(frozen=True, slots=True)
class Market:
    """One kind of shopper and the prices offered: `demand` (K) is the true chance to buy at each.

    `stock` is in pieces for all `shoppers`; a price holds for `batch` shoppers. Earnings are told after
    each number of shoppers in `report` (the last is `shoppers`).
    """

    name: str
    prices: Floats
    demand: Floats
    shoppers: int
    cost: float = 0.0
    stock: float = math.inf
    batch: int = 10
    report: tuple[int, ...] = ()
    guardrails: Guardrails = field(default_factory=Guardrails)


FERREIRA: Final[Mapping[str, Any]] = {
    "prices": [29.9, 34.9, 39.9, 44.9],
    "demand": [0.8, 0.6, 0.3, 0.1],
    "shoppers": 1000,
    "stock_share": 0.25,
    "batch": 1,
    "guardrails": {"max_step": 0.15},
}
BETA: Final[Mapping[str, Any]] = {
    "prices": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
    "cases": [
        {"name": "beta(2,9)", "willingness": {"kind": "beta", "a": 2, "b": 9}},
        {"name": "beta(2,2)", "willingness": {"kind": "beta", "a": 2, "b": 2}},
        {"name": "beta(9,2)", "willingness": {"kind": "beta", "a": 9, "b": 2}},
    ],
    "shoppers": 2500,
    "batch": 10,
    "report": [500, 2500],
    "guardrails": {"max_step": 0.3},
}
NAMED: Final[Mapping[str, Mapping[str, Any]]] = {"ferreira": FERREIRA, "a": FERREIRA, "beta": BETA, "b": BETA}
"""The markets known by name: "ferreira" (a) is of Ferreira et al. 2018, "beta" (b) of willingness to pay."""
