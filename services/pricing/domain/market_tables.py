"""Markets of tables, as files tell them: each key checked, each fault named."""

import math
from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np
from scipy import special, stats

from services.pricing.domain.learning.belief import Floats
from services.pricing.domain.markets import Guardrails, Market

_WILLINGNESS: Final = {
    "beta": stats.beta,
    "normal": stats.norm,
    "lognormal": stats.lognorm,
    "uniform": stats.uniform,
}
_SHAPES: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "beta": (("a", "b"), ("loc", "scale")),
    "normal": (("loc", "scale"), ()),
    "lognormal": (("s", "scale"), ("loc",)),
    "uniform": (("loc", "scale"), ()),
    "logit": (("level", "slope"), ()),
}
"""The parameters of each kind, those it needs and those it may have, in scipy's names."""
MOST_PRICES: Final = 100
MOST_SHOPPERS: Final = 1_000_000
_SIZES: Final = ("prices", "demand", "willingness", "shoppers", "cost", "stock", "stock_share", "batch")
_KEYS: Final = frozenset((*_SIZES, "name", "cases", "report", "guardrails"))


def parse(table: Mapping[str, Any], name: str = "market") -> list[Market]:
    """The markets of a table, one for each of its cases. Raises ValueError saying what is wrong."""
    _known(table, _KEYS, name)
    cases = table.get("cases", [])
    if not isinstance(cases, list) or not all(isinstance(case, Mapping) for case in cases):
        raise ValueError(f"{name}: cases must be tables, [[cases]]")
    if not cases:
        return [_market(table, str(table.get("name", name)))]
    shared = {key: value for key, value in table.items() if key != "cases"}
    for case in cases:
        _known(case, _KEYS - {"cases"}, name)
    return [
        _market({**shared, **case}, str(case.get("name", f"{name} {n}"))) for n, case in enumerate(cases, 1)
    ]


def _market(table: Mapping[str, Any], name: str) -> Market:
    """One market. Raises ValueError that begins with its name."""
    try:
        return _made(table, name)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _made(table: Mapping[str, Any], name: str) -> Market:
    prices = _numbers(table, "prices")
    if not len(prices) or prices[0] <= 0 or np.any(np.diff(prices) <= 0):
        raise ValueError("prices must be above 0, each higher than the one before")
    if len(prices) > MOST_PRICES:
        raise ValueError(f"at most {MOST_PRICES} prices")
    shoppers = _count(table, "shoppers", None, MOST_SHOPPERS)
    batch, cost = _count(table, "batch", 10, MOST_SHOPPERS), _number(table, "cost", 0.0)
    stock = _number(table, "stock", _number(table, "stock_share", math.inf) * shoppers)
    if not stock > 0:
        raise ValueError("stock must be above 0")
    guardrails = _guardrails(table.get("guardrails", {}))
    demand = _demand(table, prices)
    if demand.shape != prices.shape or np.any(~(demand >= 0)) or np.any(demand > 1):
        raise ValueError("demand must be one chance from 0 to 1 for each price")
    inside = (prices >= guardrails.floor) & (prices <= guardrails.ceiling)
    if not inside.any():
        raise ValueError("the guardrails leave no price")
    if not np.any((demand * (prices - cost))[inside] > 0):
        raise ValueError("no price that the guardrails leave earns anything")
    report = _report(table, shoppers)
    return Market(name, prices, demand, shoppers, cost, stock, batch, report, guardrails)


def _demand(table: Mapping[str, Any], prices: Floats) -> Floats:
    """The demand told, or the share of shoppers whose willingness to pay is above the price."""
    if "demand" in table:
        return _numbers(table, "demand")
    told = table.get("willingness")
    if not isinstance(told, Mapping):
        raise ValueError("demand, or a table willingness, is missing")
    kind = told.get("kind", "beta")
    if kind not in _SHAPES:
        raise ValueError(f"willingness.kind must be one of {', '.join(sorted(_SHAPES))}")
    needed, optional = _SHAPES[kind]
    _known(told, {"kind", *needed, *optional}, "willingness")
    values = {key: _number(told, key) for key in (*needed, *(key for key in optional if key in told))}
    if kind == "logit":  # of shoppers, 1 / (1 + exp(-(level - slope * price)))
        return np.asarray(special.expit(values["level"] - values["slope"] * prices))
    return np.asarray(_WILLINGNESS[kind](**values).sf(prices), dtype=np.float64)


def _guardrails(table: Any) -> Guardrails:
    if not isinstance(table, Mapping):
        raise ValueError("guardrails must be a table")
    _known(table, {"floor", "ceiling", "max_step"}, "guardrails")
    found = Guardrails(**{key: _number(table, key) for key in table})
    if not found.max_step > 0:
        raise ValueError("guardrails.max_step must be above 0")
    return found


def _report(table: Mapping[str, Any], shoppers: int) -> tuple[int, ...]:
    told = table.get("report", [])
    if not isinstance(told, list | tuple) or not all(
        isinstance(count, int) and 0 < count <= shoppers for count in told
    ):
        raise ValueError("report must be a list of whole numbers, within the shoppers")
    return tuple(sorted({*told, shoppers}))


def _known(table: Mapping[str, Any], keys: Collection[str], what: str) -> None:
    if unknown := sorted(table.keys() - set(keys)):
        raise ValueError(f"{what}: unknown key {unknown[0]!r}; there are: {', '.join(sorted(keys))}")


def _number(table: Mapping[str, Any], key: str, default: float | None = None) -> float:
    """A number, which is finite where it is told."""
    value = table.get(key, default)
    if value is None:
        raise ValueError(f"{key!r} is missing")
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or (key in table and not math.isfinite(value))
    ):
        raise ValueError(f"{key} must be a number, not {value!r}")
    return float(value)


def _count(table: Mapping[str, Any], key: str, default: int | None, most: int) -> int:
    value = _number(table, key, default)
    if not (1 <= value <= most and value == int(value)):
        raise ValueError(f"{key} must be a whole number from 1 to {most:,}")
    return int(value)


def _numbers(table: Mapping[str, Any], key: str) -> Floats:
    if key not in table:
        raise ValueError(f"{key!r} is missing")
    told = table[key]
    if not isinstance(told, list | tuple):
        raise ValueError(f"{key} must be a list of numbers")
    return np.array([_number({key: one}, key) for one in told], dtype=np.float64)
