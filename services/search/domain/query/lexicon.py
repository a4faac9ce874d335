"""What the shop's own words are: the port through which queries are understood."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Spelled(NamedTuple):
    """A word of titles, brands and categories, and how many products have it there."""

    word: str
    products: int


class Named(NamedTuple):
    """A brand or a category: its normal spelling, "brand" or "category", and its text as shown."""

    key: str
    kind: str
    text: str


class Lexicon(Protocol):
    """The words of the catalogue; any thread may call it."""

    def spelled_like(self, word: str) -> list[Spelled]:
        """Words that differ from this by an edit or two, itself too when it is one; in no order."""
        ...

    def named(self, keys: Sequence[str]) -> list[Named]:
        """Brands and categories whose normal spelling is one of the keys; in no order."""
        ...

    def numbered(self, number: str) -> list[str]:
        """Ids of the products whose id or GTIN is this number, sorted."""
        ...

    def writes(self, words: Sequence[str]) -> bool:
        """Whether products have each of these words, or Chinese signs."""
        ...

    def currency(self) -> str:
        """The currency of the shop's list prices, the one that most have; "" without any."""
        ...
