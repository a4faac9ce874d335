"""How old signals fade, by the time they happened and never by the clock on the wall.

Weights are kept in forward decay (Cormode et al. 2009): a signal at time t weighs 2 ** ((t - LANDMARK) / h)
for ever, so adding one is a plain sum, and dividing all by 2 ** ((now - LANDMARK) / h) gives what they
weigh now. Comparing weights of one half-life needs no such division.
"""

from typing import Final

DAY: Final = 86_400.0

LANDMARK: Final = 1_735_689_600.0
"""2025-01-01 in Unix seconds; any constant does. Weights stay finite until the year 2060."""

PURCHASE_HALF_LIFE: Final = 120 * DAY
"""Seconds after which a purchase says half as much about what its shopper buys next."""

INTEREST_HALF_LIFE: Final = 14 * DAY
"""The same of a look at a product or a place in the cart."""

POPULARITY_HALF_LIFE: Final = 30 * DAY
"""The same of a purchase as a sign of what everybody buys."""

TREND_HALF_LIFE: Final = 10 * DAY
"""The same as a sign of what is bought more lately than before. Finite until the year 2052."""

SHOWN_HALF_LIFE: Final = 3 * DAY
"""The same of having been shown a product."""

_LARGEST: Final = 1000.0


def forward(time: float, half_life: float) -> float:
    """The forward weight of a signal at a time in Unix seconds."""
    return float(2.0 ** min((time - LANDMARK) / half_life, _LARGEST))


def since(time: float, half_life: float) -> float:
    """What to multiply a forward weight by to have what it weighs at a time."""
    return float(2.0 ** -max(min((time - LANDMARK) / half_life, _LARGEST), -_LARGEST))
