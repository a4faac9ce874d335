"""The next price of one product, from what was sold at each price so far."""

import math
import zlib
from typing import NamedTuple

import numpy as np

from services.pricing.domain.learning.belief import Floats
from services.pricing.domain.learning.sampler import Settings, Thompson
from services.pricing.domain.learning.stopping import StopRule, verdict

DRAWS = 256


class Choice(NamedTuple):
    """The chosen price's index, the chance of each (K) and the most likely demand at each (K).

    Whether learning has stopped, the loss that stopping is expected to cost, and the chance that the best
    known price is near the best.
    """

    price: int
    propensities: Floats
    demand: Floats
    stopped: bool
    loss: float
    chance: float


def choose(
    prices: Floats,
    cost: float,
    offered: Floats,
    sold: Floats,
    allowed: Floats,
    exploration: float,
    rule: StopRule,
    seed: str,
    stock: float = math.inf,
) -> Choice:
    """Chooses among ascending prices (K) those that are allowed (K, 1 or 0). The same seed chooses the same.

    `offered` and `sold` (K): shoppers who saw each price, and bought. `stock`: pieces there are for each
    shopper still to come, inf where it lasts; where it is to be gone, `cost` is what a piece left over
    brings. Learning does not stop while the best known price would sell out: the best there is a mix of
    prices.
    """
    random = np.random.default_rng(zlib.crc32(seed.encode()))
    sampler = Thompson(prices, cost, 1, random, Settings(draws=DRAWS, exploration=exploration))
    sampler.learn(offered[None], sold[None])
    found = verdict(sampler.belief.draw(DRAWS, random), prices - cost, allowed[None], rule)
    demand = sampler.belief.demand()[0]
    stopped = bool(found.stop[0]) and float(demand[found.price[0]]) <= stock
    if stopped:
        chances = np.eye(len(prices))[found.price[0]]
    else:
        chances = sampler.propensities(np.array([stock]), allowed[None])[0]
        chances = chances / chances.sum()
    chosen = int(random.choice(len(prices), p=chances))
    return Choice(chosen, chances, demand, stopped, float(found.loss[0]), float(found.chance[0]))
