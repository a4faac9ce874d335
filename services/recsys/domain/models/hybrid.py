"""Several models as one: the weighted sum of their scores, each made comparable first."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from services.recsys.domain.interactions import Interactions, Past
from services.recsys.domain.models.model import Arrays, Model, Progress, Scores, silent
from services.recsys.domain.models.registry import MODELS
from services.recsys.domain.neighbours import BadModelError


def over_best(scores: Scores) -> Scores:
    """Scores over the best one, so that it is 1; all 0 when nothing is above 0."""
    best = scores.max(initial=0.0)
    return scores / best if best > 0 else np.zeros_like(scores)


def standard(scores: Scores) -> Scores:
    """Scores with mean 0 and deviation 1; all 0 when they are all the same."""
    spread = scores.std(dtype=np.float64)
    return ((scores - scores.mean(dtype=np.float64)) / spread if spread > 0 else scores * 0).astype(
        np.float32
    )


def share(scores: Scores) -> Scores:
    """Scores as shares of 1 by softmax: for models whose scores are logits."""
    powers = np.exp(scores - scores.max(initial=0.0))
    return np.asarray(powers / max(powers.sum(), 1e-9), np.float32)


SCALES: Mapping[str, Callable[[Scores], Scores]] = MappingProxyType(
    {"over best": over_best, "standard": standard, "share": share}
)
"""The ways to make scores of different models comparable; tuning chooses one on validation."""


class Hybrid(Model):
    """score = sum over members of weight x scale(score of the member)."""

    name: ClassVar[str] = "hybrid"

    def __init__(self, members: Sequence[Model], weights: Sequence[float], scale: str = "standard") -> None:
        if not len(members) == len(weights) > 0 or scale not in SCALES:
            raise ValueError("a hybrid needs members, a weight for each, and a known scale")
        self.members, self.weights, self.scale = tuple(members), tuple(weights), scale

    def fit(self, data: Interactions, progress: Progress = silent) -> Self:
        """Fits each member in turn."""
        for member in self.members:
            member.fit(data, progress)
        return self

    def state(self, past: Past) -> tuple[Any, ...]:
        """Each member's state."""
        return tuple(member.state(past) for member in self.members)

    def score(self, state: tuple[Any, ...]) -> Scores:
        """The weighted sum; nothing but zeros when every member has nothing to say."""
        return np.asarray(sum(self._parts(state)), np.float32)

    def explain(self, state: tuple[Any, ...], item: int) -> tuple[int, ...]:
        """The words of the member that gave the item most; of the next when it has none."""
        given = [float(part[item]) for part in self._parts(state)]
        for at in np.argsort(-np.array(given), kind="stable"):
            told: tuple[int, ...] = self.members[at].explain(state[at], item)
            if told:
                return told
        return ()

    def arrays(self) -> Arrays:
        """Each member's arrays behind its place, and what the members are."""
        found = {
            f"{at}/{name}": array
            for at, member in enumerate(self.members)
            for name, array in member.arrays().items()
        }
        names = np.array([member.name for member in self.members])
        return {**found, "members": names, "weights": np.array(self.weights), "scale": np.array(self.scale)}

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """The hybrid again, its members made by the registry."""
        try:
            names, weights, scale = (
                arrays["members"].tolist(),
                arrays["weights"].tolist(),
                str(arrays["scale"]),
            )
            kinds = [MODELS[name] for name in names]
        except KeyError as error:
            raise BadModelError(f"the hybrid has no {error}") from None
        members = []
        for at, kind in enumerate(kinds):
            parts = {k.removeprefix(f"{at}/"): v for k, v in arrays.items() if k.startswith(f"{at}/")}
            members.append(kind.of(parts))  # type: ignore[attr-defined]
        try:
            return cls(members, weights, scale)
        except ValueError as error:
            raise BadModelError(str(error)) from None

    def _parts(self, state: tuple[Any, ...]) -> list[Scores]:
        scale = SCALES[self.scale]
        return [
            np.float32(weight) * scale(member.score(part))
            for member, weight, part in zip(self.members, self.weights, state, strict=True)
        ]
