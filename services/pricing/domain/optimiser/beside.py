"""What prices of a category do to the sales of its other products.

    units of i change by exp(cross[i] * sum over j of share[j] * log(new price[j] / price[j]))

To choose, each product is credited with what its price brings the others at their present prices, to first
order; what a choice brings in all is told with the whole effect.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from services.pricing.domain.demand.crossing import Crossing
from services.pricing.domain.demand.level import Floats
from services.pricing.domain.optimiser.candidates import Item
from services.pricing.domain.optimiser.doubt import DRAWS, quantiles


class Beside(NamedTuple):
    """Of N products: cross elasticities, their errors, and how each answers to each one's price (N, N), which
    is None where nothing answers; the order of the draws (S) that the category's doubts have in common.
    """

    cross: Floats
    error: Floats
    share: Floats | None
    doubt: Floats

    def brought(self, value: Floats) -> Floats:
        """What a product's log price adds to the others' value (N), `value` (N) being what they bring now."""
        if self.share is None:
            return np.zeros(len(value))
        return np.asarray((value * self.cross) @ self.share)

    def effect(self, moved: Floats) -> Floats:
        """What each one's units are multiplied by (N, S) when log prices moved so far (N)."""
        if self.share is None:
            return np.ones((len(moved), DRAWS))
        drawn = self.cross[:, None] + self.error[:, None] * self.doubt
        return np.exp(drawn * (self.share @ moved)[:, None])


def beside(items: Sequence[Item], crossing: Crossing | None) -> Beside:
    """What is known of items that are priced together."""
    cross = np.array([item.response.cross_elasticity for item in items])
    error = np.array([item.response.cross_error for item in items])
    if crossing is None or not cross.any():
        return Beside(cross, error, None, np.zeros(DRAWS))
    category = np.array([item.response.category for item in items])
    rest = np.array([crossing.rest(item.response) for item in items])
    sold = np.array([item.response.sold for item in items])
    same = (category[:, None] == category) & (rest > 0)[:, None] & ~np.eye(len(items), dtype=bool)
    share = np.where(same, sold / np.where(rest > 0, rest, 1.0)[:, None], 0.0)
    return Beside(cross, error, share, quantiles(items[0].category))
