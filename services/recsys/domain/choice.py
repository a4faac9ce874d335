"""What was chosen to answer with: models, their settings and weights, and all that was tried."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from services.recsys.domain.grids import Settings
from services.recsys.domain.models.hybrid import Hybrid
from services.recsys.domain.models.model import Model
from services.recsys.domain.models.registry import MODELS


@dataclass(frozen=True)
class Tuned:
    """A model with the best settings that were found: its goal, and the CPU seconds that fitting it took."""

    name: str
    settings: Settings
    model: Model
    goal: float
    seconds: float


class Tried(NamedTuple):
    """One model with settings that it was tried with: its goal, and the CPU seconds to fit and to ask it."""

    name: str
    settings: Settings
    goal: float
    seconds: float


@dataclass(frozen=True)
class Choice:
    """Models with settings, their weights, and how their scores are made comparable; and all that was tried.

    Goals are the mean of recall and NDCG at the protocol's k, over validation cases.
    """

    members: tuple[tuple[str, Settings], ...]
    weights: tuple[float, ...] = (1.0,)
    scale: str = "standard"
    goal: float = 0.0
    tried: tuple[Tried, ...] = field(default=())

    def build(self) -> Model:
        """The chosen model, not yet fitted."""
        members = [MODELS[name](**settings) for name, settings in self.members]
        return members[0] if len(members) == 1 else Hybrid(members, self.weights, self.scale)

    def alone(self, name: str) -> "Choice":
        """The best that was tried of one model."""
        tried = tuple(one for one in self.tried if one.name == name)
        best = max(tried, key=lambda one: one.goal)
        return Choice(((name, best.settings),), goal=best.goal, tried=tried)

    def words(self) -> str:
        """The choice in one line."""
        parts = zip(self.members, self.weights, strict=True)
        words = [f"{weight:g} x {name} {dict(settings)}" for (name, settings), weight in parts]
        return " + ".join(words) + (f", scores {self.scale}" if len(words) > 1 else "")

    def told(self) -> dict[str, Any]:
        """The choice as plain data."""
        rows = zip(self.members, self.weights, strict=True)
        members = [{"model": name, "settings": dict(kept), "weight": w} for (name, kept), w in rows]
        tried = [
            {"model": name, "settings": dict(s), "validation": goal, "cpu_seconds": round(seconds, 2)}
            for name, s, goal, seconds in self.tried
        ]
        return {"members": members, "scale": self.scale, "validation": self.goal, "tried": tried}
