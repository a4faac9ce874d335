"""What is believed of demand at each of some prices: a logit line in the price, with smooth departures.

The logits of the demand at K prices have one Gaussian prior: a line with an uncertain level and slope, so
that a sale at one price tells of all others, plus departures of a Gaussian process, so that demand that is
no logit is learnt all the same. The posterior is Laplace's approximation (Rasmussen & Williams, Gaussian
Processes for Machine Learning, 2006, section 3.4). Many shops (R of them) are kept side by side in one array.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]

NEWTON_STEPS: Final = 4
MOST: Final = 30.0
"""Logits are kept within this: beyond it a probability is 0 or 1 to thirteen digits."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is thought of a product before its first sale.

    The elasticity's mean and deviation, half way through the prices where half of the shoppers buy; the
    deviation of the level and of the departures from a line (logits), and over what part of the range of
    prices a departure reaches. From figures that retailing publishes (Bijmolt et al. 2005: mean -2.6).
    """

    elasticity: float = 2.6
    elasticity_sd: float = 1.6
    level: float = 0.0
    level_sd: float = 2.0
    departure_sd: float = 0.6
    reach: float = 0.4

    def of(self, prices: Floats) -> tuple[Floats, Floats]:
        """Mean (K) and covariance (K, K) of the logits at ascending prices (K)."""
        middle, width = (prices[0] + prices[-1]) / 2, prices[-1] - prices[0]
        place = (prices - middle) / width if width else np.zeros_like(prices)
        # elasticity = slope * price * (1 - demand): at a demand of one half, slope = 2 * elasticity / price
        steep = 2 * np.log(prices[-1] / prices[0])
        line = np.outer(place, place) * (self.elasticity_sd * steep) ** 2 + self.level_sd**2
        apart = (place[:, None] - place[None, :]) / self.reach
        # departures grow with the range, too: over a narrow one a line is all there is to see
        scale = self.departure_sd * min(1.0, steep)
        bent = scale**2 * np.exp(-0.5 * apart**2) + 1e-6 * np.eye(len(prices))
        return self.level - self.elasticity * steep * place, line + bent


class Belief:
    """The posterior of R products that share K prices. `offered` and `sold` (R, K) are what was seen."""

    def __init__(self, prices: Floats, runs: int = 1, prior: Prior | None = None) -> None:
        """`prices` ascend. Raises ValueError when they do not, or are not above 0."""
        if len(prices) < 1 or prices[0] <= 0 or np.any(np.diff(prices) <= 0):
            raise ValueError("prices must be above 0, each higher than the one before")
        self.prices = prices
        self._mean, covariance = (prior or Prior()).of(prices)
        self._precision = np.linalg.inv(covariance)
        self.offered = np.zeros((runs, len(prices)))
        self.sold = np.zeros((runs, len(prices)))
        self._logits = np.tile(self._mean, (runs, 1))
        self._root = self._curvature(self._logits)

    def learn(self, offered: Floats, sold: Floats) -> None:
        """Adds shoppers who were offered each price, and how many of them bought; both (R, K)."""
        self.offered += offered
        self.sold += sold
        for _ in range(NEWTON_STEPS):
            chance = _chance(self._logits)
            pull = self.sold - self.offered * chance - (self._logits - self._mean) @ self._precision
            step = np.linalg.solve(self._hessian(self._logits), pull[..., None])[..., 0]
            # a step of Newton's may overshoot where demand is nearly 0 or 1
            self._logits = np.clip(self._logits + np.clip(step, -3, 3), -MOST, MOST)
        self._root = self._curvature(self._logits)

    def demand(self) -> Floats:
        """The most likely demand (R, K), never rising with the price."""
        return _falling(_chance(self._logits))

    def draw(self, draws: int, random: np.random.Generator, spread: float = 1.0) -> Floats:
        """Demands as likely as the posterior says (R, draws, K), never rising with the price.

        `spread` is a factor of the posterior's deviations.
        """
        noise = spread * random.standard_normal((*self._logits.shape, draws))
        off = np.linalg.solve(np.swapaxes(self._root, 1, 2), noise)
        return _falling(_chance(self._logits[:, None, :] + np.swapaxes(off, 1, 2)))

    def _hessian(self, logits: Floats) -> Floats:
        chance = _chance(logits)
        return np.asarray(self._precision + (self.offered * chance * (1 - chance))[..., None] * _eye(logits))

    def _curvature(self, logits: Floats) -> Floats:
        return np.asarray(np.linalg.cholesky(self._hessian(logits)))


def _eye(logits: Floats) -> Floats:
    return np.eye(logits.shape[-1])


def _chance(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -MOST, MOST))))


def _falling(demand: Floats) -> Floats:
    """The mean of the closest falling curves from above and below; a falling one stays as it is."""
    below = np.minimum.accumulate(demand, axis=-1)
    above = np.maximum.accumulate(demand[..., ::-1], axis=-1)[..., ::-1]
    return np.asarray((below + above) / 2)
