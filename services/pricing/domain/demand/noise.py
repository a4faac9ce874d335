"""How far a week's units lie from what was expected: how much, in which weeks most, and for how long.

The variance of a week is a multiple of its mean. What of it is more than Poisson's grows with what the
features make of the week by a `growth` of 0 (baskets of several pieces: the multiple stays) to 1 (a demand
that swings: the multiple grows along), one for the shop. What lies above the level stays above it for a
while: the correlations over the weeks, of the whole shop, say for how long.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from services.pricing.domain.demand.level import Floats

GROWTHS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
SHOP_WEEKS: Final = 10.0
"""A product's dispersion begins with so many weeks of the shop's."""

LAGS: Final = 16
LEAST: Final = 0.05
"""Expected units below this count as this when an error is divided by them."""


@dataclass(frozen=True, slots=True)
class Noise:
    """`dispersion` (N): the variance of a product's weeks as a multiple of their mean; the shop's growth."""

    dispersion: Floats
    growth: float

    def multiple(self, effect: Floats, known: Floats) -> Floats:
        """The variance of each week as a multiple of its mean (N, W); `known` is 1 for weeks that tell."""
        mean = (effect * known).sum(axis=1) / np.maximum(known.sum(axis=1), 1.0)
        grown = 1 - self.growth + self.growth * effect / np.maximum(mean, 1e-9)[:, None]
        return np.asarray(1 + (self.dispersion - 1)[:, None] * grown)


def noise_of(errors: Floats, expected: Floats, effect: Floats, known: Floats) -> Noise:
    """What the errors (N, W) of known weeks say; the growth is the most likely one (normal likelihood)."""
    mean = np.maximum(expected, LEAST)
    squares, weeks = (errors**2 / mean * known).sum(axis=1), known.sum(axis=1)
    shop = float(np.median(squares / np.maximum(weeks, 1)))
    dispersion = np.maximum((squares + SHOP_WEEKS * shop) / (weeks + SHOP_WEEKS), 1.0)

    def unlikely(growth: float) -> float:
        variance = mean * Noise(dispersion, growth).multiple(effect, known)
        return float((known * (np.log(variance) + errors**2 / variance)).sum())

    return Noise(dispersion, min(GROWTHS, key=unlikely))


def inflation(apart: Floats, scaled: Floats, root: Floats) -> Floats:
    """How many times the variance of a coefficient is what it were if weeks were independent (N).

    `apart` (N, W) is the feature apart from its level, `scaled` (N, W) are errors in standard deviations, 0
    where not known, `root` (N, W) square roots of what each week tells. The kernel is flat at its top
    (Politis & Romano 1995).
    """
    told = apart * root
    alone = (told**2).sum(axis=1)
    together, power = alone.copy(), max(float((scaled**2).sum()), 1e-9)
    lags = min(LAGS, scaled.shape[1] // 2)
    for lag in range(1, lags + 1):
        correlation = float((scaled[:, lag:] * scaled[:, :-lag]).sum()) / power
        kept = min(1.0, 2 * (1 - lag / (lags + 1)))
        together += 2 * kept * correlation * (told[:, lag:] * told[:, :-lag]).sum(axis=1)
    return np.asarray(np.clip(together / np.maximum(alone, 1e-9), 0.5, 5.0))
