"""What training made, in one piece: models over one list of products, and how a mix weighs its sources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from services.recsys.domain.interactions import past_of
from services.recsys.domain.models.model import Model
from services.recsys.domain.neighbours import BadModelError
from services.recsys.domain.ranker import Ranker


class Role(Enum):
    """What a served model is for; a role's model may be of any kind that suits the shop's size."""

    COOCCURRENCE = "cooccurrence"
    COLLABORATIVE = "collaborative"
    BASKET = "basket"
    SESSION = "session"
    SEQUENCE = "sequence"
    CONTENT = "content"


@dataclass(frozen=True)
class Trained:
    """ids[i] is the product behind item number i of every model.

    `weights`: by the name of a mix, what each source (by name) weighs instead of what placements.py says.
    `rankers`: by the name of a mix, what orders its best candidates.
    """

    ids: Sequence[str]
    models: Mapping[Role, Model]
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    rankers: Mapping[str, Ranker] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises BadModelError when a model does not score every product."""
        for role, model in self.models.items():
            if len(model.score(model.state(past_of([])))) != len(self.ids):
                raise BadModelError(f"the {role.value} model does not fit its {len(self.ids)} products")
