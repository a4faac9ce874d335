"""Orders as weeks: what each product sold, for how much, and in which weeks it could be sold at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from services.pricing.domain.demand.assessment import Weeks
from services.pricing.domain.demand.level import Floats
from services.pricing.domain.demand.shelf import WEEK, Shelf, mean_prices, shares
from services.pricing.domain.limits import DAY, MICROS

LEAST_WEEKS: Final = 9
"""With fewer whole weeks nothing can be learnt and measured."""

LEAST_UNITS: Final = 10.0
"""A product that sold fewer pieces tells nothing of its own."""


@dataclass(frozen=True)
class Panel:
    """Products by id, best sellers first, over whole weeks; their categories by name; the currency.

    `end` is the moment after the last week, in microseconds; `kinds` are the promotions of the weeks by name.
    """

    product_ids: Sequence[str]
    categories: Sequence[str]
    weeks: Weeks
    currency: str
    end: int
    kinds: Sequence[str] = ()


def with_records(panel: Panel, shelf: Shelf) -> Panel:
    """The same weeks, with what records tell of those without orders."""
    units, count = panel.weeks.units, panel.weeks.units.shape[1]
    start = panel.end - count * WEEK
    open_, asked = np.full_like(units, np.nan), np.full_like(units, np.nan)
    for row, product_id in enumerate(panel.product_ids):
        if changes := shelf.sale.get(product_id):
            first = start + WEEK * int(np.argmax(units[row] > 0))
            open_[row] = shares(changes, first, start, count)
        if prices := shelf.asked.get(product_id):
            asked[row] = mean_prices(prices, start, count)
    return replace(panel, weeks=replace(panel.weeks, open=open_, asked=asked))


class Lines:
    """Collects order lines by currency, product and day: memory grows with those, not with orders."""

    def __init__(self) -> None:
        self._lines: dict[str, dict[tuple[str, int], list[float]]] = {}

    def add(self, product_id: str, currency: str, time: int, price: int, pieces: int) -> None:
        """A line: when, the price of one piece in micros, and how many pieces."""
        key = product_id, time // DAY
        found = self._lines.setdefault(currency, {}).setdefault(key, [0.0, 0.0])
        found[0] += pieces
        found[1] += pieces * price / MICROS

    def units(self, panel: Panel) -> Floats:
        """Pieces of a panel's products in its weeks (N, W), of these lines alone."""
        row = {product_id: at for at, product_id in enumerate(panel.product_ids)}
        units = np.zeros_like(panel.weeks.units)
        first = panel.end // DAY - 7 * units.shape[1]
        for (product_id, day), (pieces, _) in self._lines.get(panel.currency, {}).items():
            if product_id in row and 0 <= day - first < 7 * units.shape[1]:
                units[row[product_id], (day - first) // 7] += pieces
        return units

    def panel(self, category: Mapping[str, str], most: int) -> Panel:
        """The `most` best sellers of the currency with most lines, up to the last whole week.

        Raises ValueError for fewer than LEAST_WEEKS of them.
        """
        if not self._lines:
            raise ValueError("the log has no orders with prices: import events first")
        currency, lines = max(self._lines.items(), key=lambda pair: len(pair[1]))
        days = np.array([day for _, day in lines])
        count = int((days.max() + 1 - days.min()) // 7)
        if count < LEAST_WEEKS:
            raise ValueError(f"the log has {count} whole weeks of orders; {LEAST_WEEKS} are needed")
        first = int(days.max()) + 1 - 7 * count  # the last week is whole, what is left over is the oldest
        sold: dict[str, float] = {}
        for (product_id, _), (pieces, _) in lines.items():
            sold[product_id] = sold.get(product_id, 0.0) + pieces
        ranked = sorted((p for p, n in sold.items() if n >= LEAST_UNITS), key=lambda p: (-sold[p], p))[:most]
        if not ranked:
            raise ValueError(f"no product sold {LEAST_UNITS:g} pieces")
        row = {product_id: at for at, product_id in enumerate(ranked)}
        units, paid = np.zeros((2, len(ranked), count))
        for (product_id, day), (pieces, money) in lines.items():
            if product_id in row and day >= first:
                units[row[product_id], (day - first) // 7] += pieces
                paid[row[product_id], (day - first) // 7] += money
        names = [category.get(product_id, "") for product_id in ranked]
        number = {name: at for at, name in enumerate(sorted(set(names)))}
        numbers = np.array([number[name] for name in names], np.int64)
        promotions = np.zeros((len(ranked), count, 0))
        return Panel(
            ranked, names, Weeks(units, paid, promotions, numbers), currency, (first + 7 * count) * DAY
        )
