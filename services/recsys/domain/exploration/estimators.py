"""Off-policy evaluation: what another policy would have earned, from what the logging one drew.

    ips    mean of w r                      Horvitz and Thompson 1952; unbiased, wide
    snips  sum of w r / sum of w            Swaminathan and Joachims 2015; nearly unbiased, narrower
    dr     mean of q(pi) + w (r - q(a))     Dudik et al. 2011; right when chances or model are

w is the target's chance of what was drawn over the logged one, r the response, q a model of the response.
Clipping w at a bound trades variance for a bias towards low values. The unit of chance is a shopper: all that
one shopper did counts as one draw in intervals.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.exploration.learning import Outcome
from services.recsys.domain.exploration.policy import Policy
from services.recsys.domain.exploration.slots import Floats, Slot
from services.recsys.domain.metrics import Estimate, resampled

NORMAL = 1.959964
"""The normal distribution's 97.5% point."""

Target = Callable[[Slot], Floats]
"""A policy to evaluate: the chances it gives to a slot's candidates."""


class Weighed(NamedTuple):
    """Outcomes as columns: shopper's number, weight w, response r, q of the drawn one, q of the target."""

    shopper: NDArray[np.int64]
    weight: Floats
    response: Floats
    drawn: Floats
    target: Floats

    def clipped(self, most: float) -> "Weighed":
        """With no weight above a bound."""
        return self._replace(weight=np.minimum(self.weight, most))

    def effective(self) -> float:
        """How many outcomes of the target itself would tell as much (Kish 1965): (sum w)^2 / sum w^2."""
        squares = float(self.weight @ self.weight)
        return float(self.weight.sum()) ** 2 / squares if squares else 0.0


def greedy(slot: Slot) -> Floats:
    """Draws nothing: the first candidate, always."""
    chances = np.zeros(len(slot.products))
    chances[0] = 1.0
    return chances


def uniform(slot: Slot) -> Floats:
    """Every candidate alike."""
    return np.full(len(slot.products), 1 / len(slot.products))


def weigh(outcomes: Sequence[Outcome], target: Target, model: Policy) -> Weighed:
    """Each outcome's columns for a target; `model` gives q and must not have learnt from these outcomes."""
    shoppers = {name: at for at, name in enumerate(dict.fromkeys(one.shopper for one in outcomes))}
    rows = np.empty((len(outcomes), 4))
    for at, one in enumerate(outcomes):
        slot, chances = one.slot, target(one.slot)
        worth = model.worth(slot.products, slot.features) * model.examination(one.position)
        weight = chances[slot.chosen] / slot.chances[slot.chosen]
        rows[at] = weight, one.response, worth[slot.chosen], chances @ worth
    return Weighed(np.array([shoppers[one.shopper] for one in outcomes], np.int64), *rows.T)


def logged(weighed: Weighed) -> Estimate:
    """What the logging policy itself earned an outcome."""
    return _ratio(weighed.shopper, weighed.response, np.ones(len(weighed.response)))


def ips(weighed: Weighed, bootstrap: bool = False) -> Estimate:
    """See above, with a 95% interval: normal by default."""
    return _ratio(weighed.shopper, weighed.weight * weighed.response, np.ones(len(weighed.weight)), bootstrap)


def snips(weighed: Weighed, bootstrap: bool = False) -> Estimate:
    """See above."""
    return _ratio(weighed.shopper, weighed.weight * weighed.response, weighed.weight, bootstrap)


def dr(weighed: Weighed, bootstrap: bool = False) -> Estimate:
    """See above."""
    value = weighed.target + weighed.weight * (weighed.response - weighed.drawn)
    return _ratio(weighed.shopper, value, np.ones(len(value)), bootstrap)


ESTIMATORS = {"ips": ips, "snips": snips, "dr": dr}


def _ratio(shopper: NDArray[np.int64], above: Floats, below: Floats, bootstrap: bool = False) -> Estimate:
    """sum above / sum below, and its interval over shoppers: by the delta method, or by resampling them."""
    sums = np.zeros((int(shopper.max(initial=-1)) + 1, 2))
    np.add.at(sums, shopper, np.column_stack((above, below)))
    count, total = len(sums), sums.sum(axis=0)
    if not count or total[1] <= 0:
        return Estimate(0.0, 0.0, 0.0)
    value = float(total[0] / total[1])
    if bootstrap:
        means = resampled(sums)
        ratios = means[:, 0] / np.maximum(means[:, 1], 1e-12)
        low, high = np.percentile(ratios, [2.5, 97.5])
        return Estimate(value, float(low), float(high))
    rest = sums[:, 0] - value * sums[:, 1]
    error = NORMAL * float(np.sqrt(count / max(count - 1, 1) * (rest @ rest))) / float(total[1])
    return Estimate(value, value - error, value + error)
