"""All that recommending knows at one moment, and where models' item numbers meet the catalogue's rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.catalogue import Catalogue
from services.recsys.domain.interactions import Past
from services.recsys.domain.meaning import Meaning
from services.recsys.domain.models.content import ContentModel
from services.recsys.domain.models.model import Scores
from services.recsys.domain.placements import Mix, Source
from services.recsys.domain.popularity import Popular
from services.recsys.domain.ranker import Ranker
from services.recsys.domain.trained import Role, Trained

NO_MODEL = "popular"
"""The version that an answer tells when no model is loaded."""

SAMPLE = 4096
"""Items of a model by whose scores it is guessed where the best begin."""

Rows = NDArray[np.int64]


class Served:
    """Trained models, asked and answering in the catalogue's rows. This is the one place that maps them."""

    def __init__(self, trained: Trained, version: str, catalogue: Catalogue) -> None:
        self.trained, self.version = trained, version
        self.rows: Rows = np.array([catalogue.row(product_id) for product_id in trained.ids], np.int64)
        self._numbers = np.full(max(len(catalogue), 1), -1, np.int32)
        self._numbers[self.rows] = np.arange(len(self.rows), dtype=np.int32)
        content = trained.models.get(Role.CONTENT)
        self.meaning = Meaning(content, self.rows) if isinstance(content, ContentModel) else None

    def numbers(self, rows: Rows) -> NDArray[np.int32]:
        """The models' numbers of rows, -1 for what they never saw."""
        known = rows < len(self._numbers)
        return np.where(known, self._numbers[np.where(known, rows, 0)], -1).astype(np.int32)

    def known(self, past: Past) -> Past:
        """A past over rows as one over the models' numbers; what they never saw is left out."""
        numbers = self.numbers(past.items.astype(np.int64))
        seen = numbers >= 0
        return Past(numbers[seen], past.baskets[seen], past.times[seen])

    def scores(
        self, role: Role, past: Past, allowed: NDArray[np.bool_], count: int
    ) -> tuple[Rows, NDArray[np.float64], Any]:
        """Allowed rows that a role's model gives something, how much, and the state that explains it.

        The best `count` are among them; not all others are.
        """
        model = self.trained.models[role]
        state = model.state(past)
        numbers, scores = model.above(state)
        for least in (_likely_least(scores, count), 0.0):
            kept = np.flatnonzero(scores > least)
            kept = kept[allowed[self.rows[numbers[kept]]]]
            if len(kept) >= count:
                break
        return self.rows[numbers[kept]], scores[kept].astype(np.float64), state

    def told(self, role: Role, state: Any, row: int) -> list[int]:
        """The rows of the past that speak most for a row."""
        told = self.trained.models[role].explain(state, int(self._numbers[row]))
        return [int(self.rows[item]) for item in told]


def _likely_least(scores: Scores, count: int) -> float:
    """A score that some four times `count` items pass, by every so manieth: cheaper than sorting all."""
    sample = scores[:: max(1, len(scores) // SAMPLE)]
    passing = len(sample) * 4 * count // max(1, len(scores))
    if not passing or passing >= len(sample):
        return 0.0
    return float(np.partition(sample, len(sample) - passing)[len(sample) - passing])


@dataclass(frozen=True)
class Shop:
    """Catalogue, what is popular in it, and the models, None when none are loaded."""

    catalogue: Catalogue
    popular: Popular
    served: Served | None

    @property
    def version(self) -> str:
        """What chose, as answers tell it."""
        return self.served.version if self.served else NO_MODEL

    def parts(self, mix: Mix) -> dict[Source, float]:
        """What each source of a mix weighs: as training found best for the mix, or else as declared."""
        chosen = self.served.trained.weights.get(mix.name, {}) if self.served else {}
        return {source: chosen.get(source.name, weight) for source, weight in mix.parts.items()}

    def ranker(self, mix: Mix) -> Ranker | None:
        """What orders a mix's best candidates, if training found that it pays."""
        return self.served.trained.rankers.get(mix.name) if self.served else None

    def model(self, role: Role) -> Served | None:
        """The models, if there is one of this role among them."""
        return self.served if self.served and role in self.served.trained.models else None
