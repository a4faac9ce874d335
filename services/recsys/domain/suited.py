"""Which model takes which role in a shop of this size, with which settings: the table that training reads."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.recsys.domain.grids import Grid, Settings
from services.recsys.domain.interactions import Interactions
from services.recsys.domain.trained import Role

EASE = {"strongest": 200, "most": 12_000}
CONTENT = {"size": 64}
"""Settings by which a first training stays within two CPU-minutes on the demo shop."""

SEARCHED: Mapping[str, tuple[Grid, Settings]] = {
    "ease": ({"regularisation": (500.0, 100.0, 2500.0)}, {"most": 4_000})
}
"""What of a model is chosen on a tenth of each shopper's products first, and what beside, being cheaper."""


def suited(data: Interactions, sequence: bool = False) -> Iterator[tuple[Role, str, Mapping[str, Any]]]:
    """Each role's model, by its name in the registry, and its settings; one of sequences if asked for."""
    yield Role.COOCCURRENCE, "cooccurrence", {}
    yield Role.COLLABORATIVE, "ease", EASE
    yield Role.BASKET, "basket", {}
    yield Role.SESSION, "session", {}
    yield Role.CONTENT, "content", CONTENT
    if sequence:
        yield Role.SEQUENCE, "sasrec", {}
