"""A product's level: what it sells in a week at its usual price without promotion.

The level is a ratio of decayed sums of units and of what the features explain, so that a promoted week does
not raise the weeks after it. Around a week it looks both ways and leaves the week itself out; for the coming
week it looks back. `weight` (N, W) says what a week's units are worth, 0 for weeks that tell nothing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Settings:
    """`decay`: the weight of a week against the one after it. `steady`: weeks of its mean that
    a level starts with."""

    decay: float = 0.7
    steady: float = 1.0


def last(units: Floats, effect: Floats, weight: Floats, settings: Settings) -> Floats:
    """The level of the coming week (N), `effect` (N, W) being what the features multiply it by."""
    sold, meant = _sums(units * weight, settings)[:, -1], _sums(effect * weight, settings)[:, -1]
    start = _usual(units, effect, weight) * settings.steady
    return np.asarray((sold + start) / (meant + settings.steady))


def around(units: Floats, effect: Floats, weight: Floats, settings: Settings) -> Floats:
    """The level of each week from the weeks before and after it, without its own (N, W)."""
    sold, meant = _beside(units * weight, settings), _beside(effect * weight, settings)
    start = _usual(units, effect, weight)[:, None] * settings.steady
    return np.asarray((sold + start) / (meant + settings.steady))


def apart(features: Floats, effect: Floats, weight: Floats, settings: Settings) -> Floats:
    """How far each week's features (N, W, F) lie from those that its level was seen at.

    The derivative of the logarithm of what is expected, the level being estimated along with the coefficients
    (profile likelihood; Severini & Staniswalis 1994): a price that stays for long tells of the level.
    """
    worth = effect * weight
    seen, total = _beside(worth, settings) + settings.steady, np.maximum(worth.sum(axis=1), 1e-9)
    columns = []
    for feature in np.moveaxis(features, 2, 0):
        start = settings.steady * (feature * worth).sum(axis=1) / total
        columns.append(feature - (_beside(feature * worth, settings) + start[:, None]) / seen)
    return np.stack(columns, axis=2)


def _usual(units: Floats, effect: Floats, weight: Floats) -> Floats:
    return np.asarray((units * weight).sum(axis=1) / np.maximum((effect * weight).sum(axis=1), 1e-9))


def _beside(amounts: Floats, settings: Settings) -> Floats:
    """Decayed sums over the weeks before and after each week, without its own (N, W)."""
    later = _sums(amounts[:, ::-1], settings)[:, ::-1]
    return np.asarray(_sums(amounts, settings) + later - 2 * amounts)


def _sums(amounts: Floats, settings: Settings) -> Floats:
    """Decayed sums up to each week, its own included (N, W)."""
    sums, held = np.zeros_like(amounts), np.zeros(len(amounts))
    for week in range(amounts.shape[1]):
        held = sums[:, week] = held * settings.decay + amounts[:, week]
    return sums
