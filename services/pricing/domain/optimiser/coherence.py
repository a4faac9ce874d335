"""What the prices of one category must keep among each other, as rows of a linear program.

A row that the prices in force break already asks only that it is not broken further: so staying as it is
always keeps every row.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import Any, NamedTuple

import numpy as np

from services.pricing.domain.limits import MICROS
from services.pricing.domain.optimiser.candidates import Candidate, Item
from services.pricing.domain.optimiser.gains import Outlook
from services.pricing.domain.optimiser.goals import Goals, Ladder
from services.pricing.domain.words import percent

Floats = np.ndarray[Any, np.dtype[np.float64]]


class Row(NamedTuple):
    """low <= the sum over its products, of what the chosen candidate counts <= high; `text` tells why.

    `terms` pairs a product's place with what each of its candidates counts.
    """

    text: str
    terms: tuple[tuple[int, Floats], ...]
    low: float = -np.inf
    high: float = np.inf

    def total(self, chosen: Sequence[int]) -> float:
        """The sum for chosen candidates."""
        return float(sum(counts[chosen[place]] for place, counts in self.terms))

    def keeps(self, chosen: Sequence[int]) -> bool:
        """Whether a choice keeps it, to what computing in floats leaves over."""
        total = self.total(chosen)
        return self.low - SLACK <= total <= self.high + SLACK


SLACK = 1e-7


def rows(
    items: Sequence[Item], prices: Sequence[Sequence[Candidate]], outlooks: Sequence[Outlook], goals: Goals
) -> list[Row]:
    """All rows of one category's products."""
    amounts = [np.array([candidate.price for candidate in one]) / MICROS for one in prices]
    made = [] if goals.ignore_sizes else list(_sizes(items, amounts))
    for ladder in goals.ladders:
        made += _ladder(items, amounts, ladder)
    if goals.max_mean_change:
        made.append(_mean_change(amounts, outlooks, goals.max_mean_change))
    if goals.max_margin_loss is not None:
        made.append(_margin(outlooks, goals.max_margin_loss))
    return made


def _sizes(items: Sequence[Item], amounts: Sequence[Floats]) -> Iterator[Row]:
    families: dict[tuple[str, str], dict[float, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, item in enumerate(items):
        if found := item.pack:
            families[item.family, found.unit][found.amount].append(place)
    for (_, unit), by_amount in families.items():
        for small, big in pairwise(sorted(by_amount)):
            for one, other in product(by_amount[small], by_amount[big]):
                names = f"{items[other].product_id} beside {items[one].product_id}"
                yield _at_least(
                    f"the bigger pack costs no less: {names}", (other, amounts[other]), (one, amounts[one])
                )
                per_unit = (one, amounts[one] / small * big), (other, amounts[other])
                yield _at_least(f"the bigger pack costs no more a {unit}: {names}", *per_unit)


def _ladder(items: Sequence[Item], amounts: Sequence[Floats], ladder: Ladder) -> Iterator[Row]:
    premium, value = ladder.premium.casefold(), ladder.value.casefold()
    dear = [place for place, item in enumerate(items) if item.brand == premium and item.pack]
    cheap = [place for place, item in enumerate(items) if item.brand == value and item.pack]
    for above, below in product(dear, cheap):
        if items[above].pack == items[below].pack:
            names = f"{items[above].product_id} above {items[below].product_id}"
            text = f"{ladder.premium} stays {percent(ladder.gap)} above {ladder.value}: {names}"
            yield _at_least(
                text, (above, amounts[above]), (below, amounts[below] * (1 + ladder.gap / MICROS))
            )


def _at_least(text: str, one: tuple[int, Floats], other: tuple[int, Floats]) -> Row:
    """The first counts no less than the second, or no less than it does now."""
    low = min(0.0, float(one[1][0] - other[1][0]))
    return Row(text, (one, (other[0], -other[1])), low=low)


def _mean_change(amounts: Sequence[Floats], outlooks: Sequence[Outlook], most: int) -> Row:
    revenue = np.array([one.revenue[0].mean() for one in outlooks])
    weight = revenue / max(float(revenue.sum()), 1e-9)
    terms = tuple((place, weight[place] * (price / price[0] - 1)) for place, price in enumerate(amounts))
    text = f"the category's mean price changes by {percent(most)} at most"
    return Row(text, terms, low=-most / MICROS, high=most / MICROS)


def _margin(outlooks: Sequence[Outlook], most: int) -> Row:
    margins = [one.margin.mean(axis=1) for one in outlooks if one.margin is not None]
    total = sum(float(margin[0]) for margin in margins)
    scale = max(abs(total), 1e-9)
    terms = tuple((place, (margin - margin[0]) / scale) for place, margin in enumerate(margins))
    return Row(f"the category gives up {percent(most)} of its margin at most", terms, low=-most / MICROS)
