"""The best mix of prices for a stock that must last: a linear program over shares of shoppers.

    maximise sum x[k] profit[k]   so that   sum x[k] demand[k] <= stock a shopper,  sum x[k] <= 1,  x >= 0

(Gallego & van Ryzin 1997; in Thompson sampling Ferreira, Simchi-Levi & Wang 2018.) With one stock the best
mix has two prices at most, "sell nothing" being one, so that trying all pairs solves it exactly.
"""

import numpy as np

from services.pricing.domain.learning.belief import Floats


def best_mix(demand: Floats, margin: Floats, stock: Floats) -> Floats:
    """The best shares (..., K) of shoppers for each price; what they leave of 1 is not sold to.

    `demand` (..., K) is the chance that a shopper buys, `margin` (K) what a sale earns, `stock` (...) the
    pieces there are for each shopper still to come (inf: as many as wanted).
    """
    if np.all(np.isinf(stock)):
        earn = demand * margin
        best = earn.argmax(axis=-1)
        return np.asarray(np.eye(len(margin))[best] * (earn.max(axis=-1, keepdims=True) > 0))
    none = np.zeros((*demand.shape[:-1], 1))
    use = np.concatenate([none, demand], axis=-1)
    earn = np.concatenate([none, demand * margin], axis=-1)
    # nobody uses more than a piece, so that a stock of 2 is as good as an endless one
    limit = np.minimum(stock, 2.0)[..., None]
    fits = use <= limit
    # the pairs: one price that the stock bears for all shoppers, one that it does not
    over, under = use[..., None, :] - limit[..., None], limit[..., None] - use[..., :, None]
    pair = fits[..., :, None] & ~fits[..., None, :]
    share = np.divide(under, over + under, out=np.zeros(pair.shape), where=pair)
    value = np.where(pair, earn[..., :, None] * (1 - share) + earn[..., None, :] * share, -np.inf)
    count = use.shape[-1]
    alone = np.where(fits, earn, -np.inf)
    value = np.maximum(value, np.where(np.eye(count, dtype=bool), alone[..., None], -np.inf))
    chosen = value.reshape(*value.shape[:-2], -1).argmax(axis=-1)
    first, second = chosen // count, chosen % count
    flat = share.reshape(*share.shape[:-2], -1)
    part = np.take_along_axis(flat, chosen[..., None], axis=-1)
    columns = np.arange(count)
    mix = (columns == first[..., None]) * (1 - part) + (columns == second[..., None]) * part
    return np.asarray(mix[..., 1:])


def best_value(demand: Floats, margin: Floats, stock: Floats) -> Floats:
    """What the best mix earns a shopper (...)."""
    return np.asarray((best_mix(demand, margin, stock) * demand * margin).sum(axis=-1))
