"""The baseline of baskets: what this shopper took most often, and what most took where that is a tie."""

from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.interactions import Interactions, Past
from services.recsys.domain.models.model import Arrays, Model, Progress, Scores, silent
from services.recsys.domain.neighbours import BadModelError


class FrequencyModel(Model):
    """score = times that the shopper took the item + (times that all did, over the most) / 2.

    So popularity breaks ties and fills up, and never overrules a purchase.
    """

    name: ClassVar[str] = "frequency"
    share: Scores

    def fit(self, data: Interactions, progress: Progress = silent) -> Self:
        """Counts every line."""
        counts = np.bincount(data.item, minlength=data.items)
        self.share = (counts / max(counts.max(initial=0), 1) / 2).astype(np.float32)
        progress("frequency", 1, 1)
        return self

    def state(self, past: Past) -> NDArray[np.int64]:
        """The past's items that anybody took, as often as the shopper did."""
        items = past.items[(past.items >= 0) & (past.items < len(self.share))].astype(np.int64)
        return items[self.share[items] > 0]

    def score(self, state: NDArray[np.int64]) -> Scores:
        """Counts and ties; zeros after an empty past."""
        counts = np.bincount(state, minlength=len(self.share)).astype(np.float32)
        return counts + self.share if len(state) else counts

    def explain(self, state: NDArray[np.int64], item: int) -> tuple[int, ...]:
        """The item itself, where it was taken before."""
        return (item,) if item in state else ()

    def arrays(self) -> Arrays:
        """The ties."""
        return {"share": self.share}

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """The model again. Raises BadModelError without a share an item."""
        if "share" not in arrays or arrays["share"].ndim != 1:
            raise BadModelError("a frequency model needs one share an item")
        model = cls()
        model.share = arrays["share"].astype(np.float32)
        return model
