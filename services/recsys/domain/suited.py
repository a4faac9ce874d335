"""Which model takes which role in a shop of this size, with which settings: the table that training reads."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.recsys.domain.interactions import Interactions
from services.recsys.domain.trained import Role

EASE_ITEMS = 12_000
"""EASE up to so many products: its time grows with their cube (3 CPU-minutes at 12,000), iALS beyond."""

EASE = {"strongest": 200}
IALS = {"size": 48, "sweeps": 6}
CONTENT = {"size": 64}
"""Settings by which a first training stays within two CPU-minutes on the demo shop."""


def suited(data: Interactions, sequence: bool = False) -> Iterator[tuple[Role, str, Mapping[str, Any]]]:
    """Each role's model, by its name in the registry, and its settings; one of sequences if asked for."""
    yield Role.COOCCURRENCE, "cooccurrence", {}
    if data.items <= EASE_ITEMS:
        yield Role.COLLABORATIVE, "ease", EASE
    else:
        yield Role.COLLABORATIVE, "ials", IALS
    yield Role.BASKET, "basket", {}
    yield Role.SESSION, "session", {}
    yield Role.CONTENT, "content", CONTENT
    if sequence:
        yield Role.SEQUENCE, "sasrec", {}
