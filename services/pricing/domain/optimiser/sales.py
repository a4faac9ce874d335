"""How many pieces a stock sells: Poisson demand, or negative binomial where weeks vary more than that.

`dispersion` d is the variance of demand as a multiple of its mean m: above 1 demand is negative binomial with
r = m / (d - 1) and p = 1 / d. Both give E[D; D <= s] = m P(D' <= s - 1) with a D' of the same kind.
"""

from typing import Any, Final

import numpy as np
from scipy import special, stats

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

POISSON: Final = 1.01
"""Up to this dispersion demand counts as Poisson."""

_LEAST: Final = 1e-9


def beyond(stock: int | Ints, mean: float | Floats, dispersion: float = 1.0) -> Floats:
    """The chance that more than the stock is asked for."""
    if dispersion <= POISSON:
        return np.asarray(special.pdtrc(stock, mean))
    r = np.maximum(mean, _LEAST) / (dispersion - 1)
    return np.asarray(special.betainc(np.asarray(stock) + 1.0, r, 1 - 1 / dispersion))


def expected_sales(mean: float | Floats, stock: int | Ints, dispersion: float = 1.0) -> Floats:
    """E[min(D, stock)] = m P(D' <= stock - 1) + stock P(D > stock)."""
    pieces = np.asarray(stock)
    if dispersion <= POISSON:
        within = special.pdtr(np.maximum(pieces - 1, 0), mean)
    else:
        r = np.maximum(mean, _LEAST) / (dispersion - 1)
        within = special.betainc(r + 1, np.maximum(pieces, 1), 1 / dispersion)
    sales = mean * within + pieces * beyond(pieces, mean, dispersion)
    return np.where(pieces > 0, sales, 0.0)


def chances(mean: float, most: int, dispersion: float = 1.0) -> Floats:
    """The chances of 0, 1, .. pieces, as many as matter, `most` at most."""
    enough = min(most, int(mean + 12 * np.sqrt(mean * dispersion) + 20 * dispersion))
    pieces = np.arange(enough + 1)
    if dispersion <= POISSON:
        return np.asarray(stats.poisson.pmf(pieces, mean))
    return np.asarray(stats.nbinom.pmf(pieces, max(mean, _LEAST) / (dispersion - 1), 1 / dispersion))


def drawn(luck: Floats, mean: Floats, dispersion: float = 1.0) -> Ints:
    """The demand at quantiles `luck`."""
    if dispersion <= POISSON:
        return np.asarray(stats.poisson.ppf(luck, mean)).astype(np.int64)
    r = np.maximum(mean, _LEAST) / (dispersion - 1)
    return np.asarray(stats.nbinom.ppf(luck, r, 1 / dispersion)).astype(np.int64)
