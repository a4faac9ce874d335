"""What the shop's own words are: the port through which queries are understood."""

from collections.abc import Mapping, Sequence
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


class Said(NamedTuple):
    """A value of an attribute that a query may name: `key` in normal spelling, `text` as shown."""

    name: str
    key: str
    text: str
    products: int


class Asked(NamedTuple):
    """A value of an attribute that a query asks for, in `words` of it, the attribute's name among them."""

    name: str
    key: str
    text: str
    confidence: float
    words: tuple[str, ...]

    @property
    def by_name(self) -> bool:
        """Whether the query says the attribute's name too."""
        return len(self.words) > len(self.key.split())


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

    def values(self, keys: Sequence[str]) -> list[Said]:
        """Values of attributes whose normal spelling is one of the keys; in no order."""
        ...

    def shown(self, attribute: str, keys: Sequence[str]) -> Mapping[str, str]:
        """The values of an attribute as the catalogue writes them, by their normal spelling."""
        ...

    def numbers(self, attribute: str, minimum: float | None, below: float | None) -> list[str]:
        """The values of an attribute that are numbers from the one up to, not including, the other."""
        ...

    def ranged(self, attribute: str) -> bool:
        """Whether an attribute has so many numbers, and nothing else, that they are counted in ranges."""
        ...

    def primaries(self, product_ids: Sequence[str]) -> Mapping[str, str]:
        """The primary product of each of these products that is a variant."""
        ...

    def categories(self, product_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The paths of the lowest categories of each product that has any, sorted."""
        ...

    def currency(self) -> str:
        """The currency of the shop's list prices, the one that most have; "" without any."""
        ...
