"""The stages of a search that can be left out, to measure what each is worth."""

from enum import StrEnum
from typing import Final


class Stage(StrEnum):
    """One stage; the value is its name in `aisle evaluate search --without`."""

    READING = "reading"
    """Prices, negations, sizes, names and stop words are read out of the query."""

    SPELLING = "spelling"
    """Slips are corrected, and words looked beside rare ones."""

    WORDS = "words"
    """Products are found and ordered by their words."""

    PHRASE = "phrase"
    """A description that says the query as it stands counts for more."""

    MEANING = "meaning"
    """Texts are found and ordered by their vectors too."""

    SIGNALS = "signals"
    """What sells, is new or can be had counts for more."""

    LEARNT = "learnt"
    """What clicks taught counts, where a ranker was trained."""

    VARIETY = "variety"
    """Brands and texts that stand above already count for less."""


ALL: Final = frozenset(Stage)


def without(names: str) -> frozenset[Stage]:
    """All stages but these, joined by commas. Raises ValueError for a name that is none."""
    left_out = {Stage(name) for name in names.split(",") if name}
    return ALL - left_out
