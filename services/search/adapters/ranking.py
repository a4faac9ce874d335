"""The ranker that `aisle train search --learn ranking` made, swapped when a better one is there."""

from pathlib import Path
from typing import Final

from services.kit import lambdamart
from services.kit.lambdamart import LambdaMart
from services.kit.models import Model, ModelStore
from services.search.domain.learning import NAMES

SERVICE: Final = "search-ranking"
FILE: Final = "ranking.txt"


def ranking_store(home: Path) -> ModelStore:
    """Where rankers are kept, apart from encoders: a new one embeds nothing anew."""
    return ModelStore(home, SERVICE)


class ServedRanker:
    """The current ranker; None while there is none, or only one of other features."""

    def __init__(self, home: Path) -> None:
        """Loads the current one. Raises ValueError when it is not whole."""
        self.ranker: LambdaMart | None = None
        if model := ranking_store(home).current():
            self.load(model)

    def load(self, model: Model) -> None:
        """Makes a model's ranker the current one. Raises ValueError when it is not whole."""
        self.ranker = lambdamart.load(NAMES, model.path / FILE)
