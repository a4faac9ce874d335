"""The baseline: what most shoppers took, whoever asks."""

from typing import Self

import numpy as np

from services.recsys.domain.interactions import Interactions, Past
from services.recsys.domain.models.model import Arrays, Model, Progress, Scores, silent
from services.recsys.domain.neighbours import BadModelError


class PopularityModel(Model):
    """Scores an item by the share of shoppers that took it."""

    name = "popularity"
    share: Scores

    def fit(self, data: Interactions, progress: Progress = silent) -> Self:
        """Counts each shopper once an item."""
        self.share = (data.popularity() / max(data.users, 1)).astype(np.float32)
        progress("popularity", 1, 1)
        return self

    def state(self, past: Past) -> None:
        """A past means nothing here."""

    def score(self, state: None) -> Scores:
        """The shares, in (0, 1]; 0 for what nobody took."""
        return self.share

    def explain(self, state: None, item: int) -> tuple[int, ...]:
        """No item of the past speaks for another."""
        return ()

    def arrays(self) -> Arrays:
        """The shares."""
        return {"share": self.share}

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """The model again. Raises BadModelError without shares."""
        if "share" not in arrays or arrays["share"].ndim != 1:
            raise BadModelError("a popularity model needs one share an item")
        model = cls()
        model.share = arrays["share"].astype(np.float32)
        return model
