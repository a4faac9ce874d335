"""What a treatment changed, from pairs of outcomes, and how sure that is, by the coins that were thrown.

If the treatment multiplies what is sold by r, the two units of a pair are alike once the treated one is
divided by r, and which of them comes first in

    x[i](r) = (treated / r - control) / (|treated / r| + |control|)

is a fair coin's doing. So the interval is all r at which sum w[i] x[i](r) lies among what other throws of the
coins would have made of it (Fisher's randomisation test, inverted: Imbens & Rubin 2015, chapter 5). It needs
no model of sales, holds for few pairs, and a week without like cannot break it, since x lies within -1 and 1.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from scipy import special

Floats = np.ndarray[Any, np.dtype[np.float64]]

ALPHA: Final = 0.1
"""Intervals hold 90%."""

LEAST_PAIRS: Final = 5
"""Fewer cannot tell anything at 90%: 2 ** 5 throws, of which one in twenty lies beyond an end."""

TYPICAL: Final = 0.1
"""How far the units of a pair usually lie apart, as x: where the interval for many looks is tightest."""

_THROWS: Final = 4_000
_REACH: Final = 5.0
"""Ends are looked for between exp(-5) and exp(5)."""


class Pair(NamedTuple):
    """What the treated unit of a pair brought and what the other one did; how much the pair counts."""

    treated: float
    control: float
    weight: float = 1.0


class Effect(NamedTuple):
    """The change as a share of what it would have been (0.1: a tenth more), and its 90% interval.

    `p_value` is two-sided, None where the interval is for many looks.
    """

    value: float
    low: float
    high: float
    p_value: float | None
    pairs: int


def effect(pairs: Sequence[Pair]) -> Effect | None:
    """The effect, to be looked at once, with all pairs there; None of fewer than LEAST_PAIRS that sold."""
    kept = _told(pairs)
    if kept is None:
        return None
    treated, control, weight = kept
    throws = _throws(len(weight))
    value = _root(lambda log_r: float(weight @ _apart(treated, control, log_r)))

    def beyond(log_r: float, side: int) -> float:
        """How many throws lie at least as far out on one side, less the 5% that make an end."""
        x = weight * _apart(treated, control, log_r)
        return float((throws @ x >= side * x.sum() - 1e-12).mean()) - ALPHA / 2

    low = _root(lambda log_r: -beyond(log_r, 1))
    high = _root(lambda log_r: beyond(log_r, -1))
    x = weight * _apart(treated, control, 0.0)
    p_value = float((np.abs(throws @ x) >= abs(x.sum()) - 1e-12).mean())
    return _effect(value, low, high, p_value, len(weight))


def effect_so_far(pairs: Sequence[Pair], planned: int) -> Effect | None:
    """The effect of the pairs so far, in their order, with an interval that holds at every look at once.

    For a fair coin E exp(lx - llxx / 2) <= 1 whatever x is, so that with a normal mixture over l (variance 1
    / c)

        sqrt(c / (c + V)) exp(S S / (2 (c + V))),   S = sum x,  V = sum x x

    is above 1 / ALPHA at any time with a chance of at most ALPHA (de la Pena 1999; Howard, Ramdas, McAuliffe
    & Sekhon, Annals of Statistics 2021, sub-psi bounds for symmetric increments). `planned` pairs set where
    it is tightest.
    """
    kept = _told(pairs)
    if kept is None:
        return None
    treated, control, weight = kept
    weight = weight / weight.mean()
    best = planned * TYPICAL**2
    c = best / (-1 - float(special.lambertw(-(ALPHA**2) / np.e, -1).real))

    def surprise(log_r: float) -> float:
        x = weight * _apart(treated, control, log_r)
        spread = c + float(x @ x)
        log_e = 0.5 * np.log(c / spread) + float(x.sum()) ** 2 / (2 * spread)
        return float(log_e + np.log(ALPHA))

    value = _root(lambda log_r: float(weight @ _apart(treated, control, log_r)))
    low = _root(surprise, -_REACH, value) if surprise(-_REACH) > 0 else -_REACH
    high = _root(lambda log_r: -surprise(log_r), value, _REACH) if surprise(_REACH) > 0 else _REACH
    return _effect(value, low, high, None, len(weight))


def _effect(value: float, low: float, high: float, p_value: float | None, pairs: int) -> Effect:
    """From logarithms of r."""
    return Effect(float(np.expm1(value)), float(np.expm1(low)), float(np.expm1(high)), p_value, pairs)


def _told(pairs: Sequence[Pair]) -> tuple[Floats, Floats, Floats] | None:
    """Of the pairs that sold anything: treated, control, weight."""
    table = np.array([pair for pair in pairs if pair.treated or pair.control], dtype=np.float64)
    return (table[:, 0], table[:, 1], table[:, 2]) if len(table) >= LEAST_PAIRS else None


def _apart(treated: Floats, control: Floats, log_r: float) -> Floats:
    scaled = treated * np.exp(-log_r)
    return np.asarray((scaled - control) / (np.abs(scaled) + np.abs(control)))


def _throws(count: int) -> Floats:
    """All throws of so many coins, as 1 and -1 (S, count), or 4,000 of them."""
    if 2**count <= _THROWS:
        numbers = np.arange(2**count)[:, None]
        return np.asarray(((numbers >> np.arange(count)) & 1) * 2.0 - 1)
    return np.asarray(np.random.default_rng(0).integers(0, 2, (_THROWS, count)) * 2.0 - 1)


def _root(falls: Callable[[float], float], low: float = -_REACH, high: float = _REACH) -> float:
    """Where a function that falls becomes 0, by bisection."""
    for _ in range(40):
        middle = (low + high) / 2
        if falls(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
