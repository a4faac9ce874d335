"""What records tell of weeks without orders: whether a product could be bought, and at which price."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from services.pricing.domain.demand.level import Floats
from services.pricing.domain.limits import DAY, MICROS

WEEK: Final = 7 * DAY
"""In microseconds."""


class Shelf(NamedTuple):
    """By product: when it began or ceased to be for sale, and when which price, in micros, was asked; both in
    order of time (microseconds)."""

    sale: Mapping[str, Sequence[tuple[int, bool]]]
    asked: Mapping[str, Sequence[tuple[int, int]]]


def shares(changes: Sequence[tuple[int, bool]], first_sale: int, start: int, weeks: int) -> Floats:
    """The share of each week (W) that a product was for sale; 0 before it was first heard of or sold.

    Before the first change nothing is known of the shelf: it was for sale since `first_sale`.
    """
    edges = start + WEEK * np.arange(weeks + 1)
    begins = min([first_sale, *(time for time, sale in changes[:1] if sale)])
    spells = [(begins, True), *((time, sale) for time, sale in changes if time > begins)]
    total = np.zeros(weeks)
    for (time, sale), after in zip(spells, [*(time for time, _ in spells[1:]), int(edges[-1])], strict=True):
        if sale:
            total += np.clip(np.minimum(edges[1:], after) - np.maximum(edges[:-1], time), 0, None)
    return total / WEEK


def mean_prices(changes: Iterable[tuple[int, int]], start: int, weeks: int) -> Floats:
    """The price of each week (W), a mean over its time, in units of the currency; NaN before the first."""
    edges = start + WEEK * np.arange(weeks + 1)
    told = list(changes)
    total, time_known = np.zeros(weeks), np.zeros(weeks)
    for (time, price), after in zip(told, [*(time for time, _ in told[1:]), int(edges[-1])], strict=True):
        spell = np.clip(np.minimum(edges[1:], after) - np.maximum(edges[:-1], time), 0, None)
        total, time_known = total + spell * price / MICROS, time_known + spell
    return np.where(time_known > 0, total / np.maximum(time_known, 1), np.nan)
