"""The report on exploration: policies that could serve, each by each estimator, and how far to trust it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from services.recsys.domain.exploration.drawing import number_of
from services.recsys.domain.exploration.estimators import (
    ESTIMATORS,
    Target,
    greedy,
    logged,
    uniform,
    weigh,
)
from services.recsys.domain.exploration.learning import Outcome, learn
from services.recsys.domain.exploration.policy import Policy
from services.recsys.domain.exploration.slots import Floats, Slot
from services.recsys.domain.metrics import Estimate

TAUGHT = 0.7
"""The share of outcomes, the earlier ones, that the learned policy and the response model are fitted on."""

CLIP = 20.0
"""The greatest weight, unless another is asked for. Weights are at most candidates / UNIFORM."""


class Report(NamedTuple):
    """Estimates by name, "greedy.dr" among them; and how many outcomes taught and how many measured."""

    metrics: Mapping[str, Estimate]
    taught: int
    measured: int


def by(policy: Policy) -> Target:
    """A learned policy as a target; its samples come from the slot, so that the same slot gives the same."""

    def target(slot: Slot) -> Floats:
        seed = number_of("target", str(slot.position), *slot.products)
        return policy.chances(slot.products, slot.features, np.random.default_rng(seed))

    return target


def report(outcomes: Sequence[Outcome], clip: float = CLIP, bootstrap: bool = False) -> Report:
    """Measures greedy, uniform and learned policies on the later outcomes; outcomes come in order of time."""
    cut = int(len(outcomes) * TAUGHT)
    early, late = outcomes[:cut], outcomes[cut:]
    if not late:
        return Report({}, len(early), 0)
    policy = learn(early)
    targets: Mapping[str, Target] = {"greedy": greedy, "uniform": uniform, "learned": by(policy)}
    metrics: dict[str, Estimate] = {}
    for name, target in targets.items():
        whole = weigh(late, target, policy)
        weighed = whole.clipped(clip)
        metrics.setdefault("logged", logged(whole))
        for estimator, function in ESTIMATORS.items():
            metrics[f"{name}.{estimator}"] = function(weighed, bootstrap)
        metrics[f"{name}.effective"] = _plain(weighed.effective())
        metrics[f"{name}.clipped"] = _plain(float((whole.weight > clip).mean()))
    return Report(metrics, len(early), len(late))


def _plain(value: float) -> Estimate:
    """A figure without an interval."""
    return Estimate(value, value, value)
