"""What no elasticity tells, for the intervals of promises: the form of demand, and where lost sales go.

Form. The model takes the elasticity to be the same at every price. Were demand exponential or a logit, it
would grow with the price: log units = e x + k e x x / 2 with x = log(price / usual price) and k near 1; were
it a line, k would be near 3. So k is drawn from N(1, 1), one for all products: a form is the market's.

Substitutes. Of the pieces that dearer products lose, other products of the category sell a share m, N(0.15,
0.15), where the model has no cross elasticities that tell it.
"""

import zlib
from typing import Final

import numpy as np
from scipy import special

from services.pricing.domain.optimiser.sales import Floats

DRAWS: Final = 64
QUANTILES: Final = special.ndtri((np.arange(DRAWS) + 0.5) / DRAWS)
"""The normal distribution in so many evenly spread draws."""

BEND: Final = (1.0, 1.0)
TAKEN: Final = (0.15, 0.15)
"""Means and deviations of k and m."""

FAR: Final = 0.5
"""How far from the usual price, as a logarithm, the form is looked at: beyond it tells nothing."""


def quantiles(name: str) -> Floats:
    """The normal distribution's quantiles (S) in an order that is the name's own."""
    return np.random.default_rng(zlib.crc32(name.encode())).permutation(QUANTILES)


_BENDS: Final = BEND[0] + BEND[1] * quantiles("the form of demand")
_TAKEN: Final = TAKEN[0] + TAKEN[1] * quantiles("where lost sales go")


def bent(usual: float, price: Floats, elasticity: Floats, trusted: tuple[float, float]) -> Floats:
    """What the units at prices (P) are multiplied by (P, S) where demand has another form."""
    away = np.clip(np.log(np.clip(price, *trusted) / usual), -FAR, FAR)[:, None]
    return np.asarray(np.exp(0.5 * _BENDS * elasticity * away**2))


def taken_over(lost: Floats, value: Floats, units: Floats) -> Floats:
    """What a category's products gain of the pieces that it loses in all, by draw (S).

    `lost` (S) pieces, `value` (S) what its products bring and `units` (S) the pieces that they sell
    afterwards.
    """
    return np.asarray(_TAKEN * lost * value / np.maximum(units, 1e-9))
