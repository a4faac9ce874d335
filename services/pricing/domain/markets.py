"""Markets to try learning in: prices, true demand, shoppers and stock; named or from a table."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from scipy import stats

from services.pricing.domain.learning.belief import Floats

_WILLINGNESS: Final = {
    "beta": stats.beta,
    "normal": stats.norm,
    "lognormal": stats.lognorm,
    "uniform": stats.uniform,
}


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

_SIZES: Final = ("prices", "demand", "willingness", "shoppers", "cost", "stock", "stock_share", "batch")
_KEYS: Final = frozenset((*_SIZES, "name", "cases", "report", "guardrails"))


def parse(table: Mapping[str, Any], name: str = "market") -> list[Market]:
    """The markets of a table, one for each of its cases. Raises ValueError saying what is wrong."""
    unknown = sorted(table.keys() - _KEYS)
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; there are: {', '.join(sorted(_KEYS))}")
    cases = table.get("cases")
    if not cases:
        return [_market(table, str(table.get("name", name)))]
    shared = {key: value for key, value in table.items() if key != "cases"}
    return [
        _market({**shared, **case}, str(case.get("name", f"{name} {n}"))) for n, case in enumerate(cases, 1)
    ]


def _market(table: Mapping[str, Any], name: str) -> Market:
    try:
        prices = np.array(table["prices"], dtype=np.float64)
        shoppers = int(table["shoppers"])
        batch = int(table.get("batch", 10))
        cost = float(table.get("cost", 0.0))
        stock = float(table.get("stock", table.get("stock_share", math.inf) * shoppers))
        report = tuple(sorted({*map(int, table.get("report", ())), shoppers}))
        guardrails = Guardrails(**{key: float(value) for key, value in table.get("guardrails", {}).items()})
        demand = _demand(table, prices)
    except KeyError as error:
        raise ValueError(f"{name}: {error.args[0]!r} is missing") from None
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from None
    if prices.ndim != 1 or not len(prices) or prices[0] <= 0 or np.any(np.diff(prices) <= 0):
        raise ValueError(f"{name}: prices must be above 0, each higher than the one before")
    if demand.shape != prices.shape or np.any(~(demand >= 0)) or np.any(demand > 1):
        raise ValueError(f"{name}: demand must be one chance from 0 to 1 for each price")
    if batch < 1 or shoppers < 1 or not stock > 0 or report[0] < 1 or report[-1] > shoppers:
        raise ValueError(f"{name}: shoppers, batch and stock must be above 0, report within the shoppers")
    inside = (prices >= guardrails.floor) & (prices <= guardrails.ceiling)
    if not inside.any() or not guardrails.max_step > 0:
        raise ValueError(f"{name}: the guardrails leave no price")
    if not np.any((demand * (prices - cost))[inside] > 0):
        raise ValueError(f"{name}: no price that the guardrails leave earns anything")
    return Market(name, prices, demand, shoppers, cost, stock, batch, report, guardrails)


def _demand(table: Mapping[str, Any], prices: Floats) -> Floats:
    """The demand told, or the share of shoppers whose willingness to pay is above the price."""
    if "demand" in table:
        return np.array(table["demand"], dtype=np.float64)
    told = dict(table["willingness"])
    kind = told.pop("kind", "beta")
    if kind == "logit":  # of shoppers, 1 / (1 + exp(-(level - slope * price)))
        return np.asarray(1 / (1 + np.exp(told["slope"] * prices - told["level"])))
    if kind not in _WILLINGNESS:
        raise ValueError(f"willingness.kind must be logit or one of {', '.join(sorted(_WILLINGNESS))}")
    # scipy's own names: beta a, b; normal loc, scale; lognormal s, scale; uniform loc, scale
    return np.asarray(_WILLINGNESS[kind](**told).sf(prices), dtype=np.float64)
