"""What `aisle train search --learn categories` made of clicks, swapped when a better one is there."""

import json
from pathlib import Path
from typing import Final

from services.kit.models import Model, ModelStore
from services.search.domain.categories import Clicks, Learnt

SERVICE: Final = "search-categories"
FILE: Final = "categories.json"


def categories_store(home: Path) -> ModelStore:
    """Where they are kept, apart from encoders and rankers."""
    return ModelStore(home, SERVICE)


def write(learnt: Learnt, folder: Path) -> None:
    """Writes it into a model's folder."""
    queries = {query: clicks._asdict() for query, clicks in sorted(learnt.queries.items())}
    text = json.dumps({"strength": learnt.strength, "queries": queries}, ensure_ascii=False)
    (folder / FILE).write_text(text, encoding="utf-8")


class ServedCategories:
    """What serves; None while nothing was learnt."""

    def __init__(self) -> None:
        self.learnt: Learnt | None = None

    def load(self, model: Model) -> None:
        """Makes a model the one that serves. Raises OSError, ValueError, KeyError or TypeError."""
        told = json.loads((model.path / FILE).read_text(encoding="utf-8"))
        queries = {query: Clicks(**clicks) for query, clicks in told["queries"].items()}
        self.learnt = Learnt(float(told["strength"]), queries)
