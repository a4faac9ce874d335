"""Thompson sampling on a Bayesian linear model: how probable it is that a candidate is the best one.

The response to a product shown at a position is taken as

    response = examination(position) x (features . weights + effect(product)) + noise,

with normal priors on the weights and on each product's effect: a linear mixed model (Henderson 1950), whose
posterior is exact and closed. A product that was seldom shown has a wide effect and is tried more often.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.exploration.slots import FEATURES, Floats

SAMPLES = 128
"""Draws of the posterior behind the chances."""

BOLDNESS = 0.3
"""What the posterior's deviations are drawn with: 1 is plain Thompson sampling; less loses less, learns less.

Its scale was settled while looking at simulated shoppers of the kind that is reported
(tests/benchmarks/bench_exploration.py): that benchmark's figures are no proof of the choice.
"""

UNIFORM = 0.1
"""The share of chance that is spread evenly over a slot's candidates: no propensity is ever nearly 0."""

RATE, WEIGHT_SPREAD, EFFECT_SPREAD = 0.05, 0.05, 0.02
"""Before anything is learnt: the response to the best score, and how unsure the weights and effects are."""


@dataclass(frozen=True)
class Policy:
    """A posterior. weights ~ N(mean, root rootᵀ); a product's effect, given the weights,
    ~ N((pull - push . weights) / precision, 1 / precision), with pull and push 0 for unknown products.

    `examined` are the examinations of positions 1, 2, ...; later positions have that of the last.
    """

    mean: Floats
    root: Floats
    products: Sequence[str]
    pull: Floats
    push: Floats
    precision: Floats
    prior_precision: float
    examined: Floats

    def __post_init__(self) -> None:
        """Keeps where each product stands."""
        object.__setattr__(self, "_at", {product: at for at, product in enumerate(self.products)})

    def chances(self, products: Sequence[str], features: Floats, random: np.random.Generator) -> Floats:
        """How probable each candidate is to be drawn: the share of SAMPLES that it wins, mixed with UNIFORM.

        They add up to 1. The draw is made from these very chances, so they are its exact propensities: that
        they are themselves made of samples adds nothing to be corrected for.
        """
        weights = self.mean + BOLDNESS * random.standard_normal((SAMPLES, len(self.mean))) @ self.root.T
        pull, push, precision = self._effects(products)
        effects = (pull - weights @ push.T) / precision
        effects += BOLDNESS * random.standard_normal(effects.shape) / np.sqrt(precision)
        best = np.argmax(weights @ features.T + effects, axis=1)
        share = np.bincount(best, minlength=len(products)) / SAMPLES
        return (1 - UNIFORM) * share + UNIFORM / len(products)

    def worth(self, products: Sequence[str], features: Floats) -> Floats:
        """The expected response to each candidate where it is examined, not below 0."""
        pull, push, precision = self._effects(products)
        return np.asarray(np.maximum(features @ self.mean + (pull - push @ self.mean) / precision, 0.0))

    def examination(self, position: int) -> float:
        """How probable it is that a shopper looks at a position, over the first that explores."""
        return float(self.examined[min(position, len(self.examined)) - 1])

    def _effects(self, products: Sequence[str]) -> tuple[Floats, Floats, Floats]:
        """pull (n,), push (n, features) and precision (n,) of products; a row of none for the unknown."""
        known: Mapping[str, int] = getattr(self, "_at")  # noqa: B009 - frozen: not a field
        at = np.array([known.get(product, -1) for product in products], np.int64)
        there = at >= 0
        pull, push = np.zeros(len(at)), np.zeros((len(at), len(self.mean)))
        precision = np.full(len(at), self.prior_precision)
        pull[there], push[there] = self.pull[at[there]], self.push[at[there]]
        precision[there] = self.precision[at[there]]
        return pull, push, precision

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """All of it, as saved."""
        return {
            "mean": self.mean,
            "root": self.root,
            "products": np.array(self.products, dtype=np.str_),
            "pull": self.pull,
            "push": self.push,
            "precision": self.precision,
            "prior_precision": np.array([self.prior_precision]),
            "examined": self.examined,
        }

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "Policy":
        """What arrays() gave. Raises KeyError or ValueError when something is missing."""
        real = {name: np.asarray(a, np.float64) for name, a in arrays.items() if name != "products"}
        prior = float(real.pop("prior_precision")[0])
        return cls(products=arrays["products"].tolist(), prior_precision=prior, **real)


def untaught() -> Policy:
    """Before anything is learnt: the better the score the better the product, with wide doubts."""
    size = len(FEATURES)
    mean = np.array([0.0, RATE, 0.0])
    nothing = np.zeros(0)
    return Policy(
        mean,
        WEIGHT_SPREAD * np.eye(size),
        (),
        nothing,
        np.zeros((0, size)),
        nothing,
        EFFECT_SPREAD**-2,
        np.ones(1),
    )
