"""What was shown to shoppers beside the price, by week: a display, a leaflet, a place on the front page."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from services.pricing.domain.demand.panel import Panel
from services.pricing.domain.limits import DAY

MOST_KINDS: Final = 4
"""Each kind is one more coefficient of every product."""


class Shown(NamedTuple):
    """A promotion of a product: its kind, and its first and last day, in days since 1970 (UTC)."""

    product_id: str
    kind: str
    first: int
    last: int


def with_promotions(panel: Panel, promotions: Sequence[Shown]) -> Panel:
    """The same weeks, with the share of each that each kind of promotion filled; other products pass by.

    Raises ValueError for more than MOST_KINDS kinds.
    """
    kinds = sorted({one.kind for one in promotions})
    if len(kinds) > MOST_KINDS:
        raise ValueError(f"{len(kinds)} kinds of promotions; at most {MOST_KINDS} can be told apart")
    products, weeks = panel.weeks.units.shape
    start = panel.end // DAY - 7 * weeks
    row = {product_id: at for at, product_id in enumerate(panel.product_ids)}
    days = np.zeros((products, 7 * weeks, len(kinds)), np.bool_)
    for one in promotions:
        if one.product_id in row and one.last >= start:
            begin, end = max(one.first - start, 0), one.last - start + 1
            days[row[one.product_id], begin:end, kinds.index(one.kind)] = True
    shares = days.reshape(products, weeks, 7, len(kinds)).mean(axis=2)
    return replace(panel, weeks=replace(panel.weeks, promotions=shares), kinds=kinds)
