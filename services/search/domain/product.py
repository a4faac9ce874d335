"""A product as search sees it, and what is derived from it when it is indexed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.search.domain.attributes import Value
from services.search.domain.text import clean

IN_STOCK: Final = "IN_STOCK"
OUT_OF_STOCK: Final = "OUT_OF_STOCK"
PREORDER: Final = "PREORDER"

LEVEL: Final = " > "
"""What joins the levels of a category path."""

MEANING_CHARACTERS: Final = 320
"""How much of title and description is embedded: some 64 tokens, which is what the encoder reads."""

MICROS: Final = 1_000_000
_STEPS: Final = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Product:
    """One product. `micros` is None without a list price; `properties` are size, attributes and codes.

    `margin` is the share of the price that is earned, `since` when it came into the shop, in seconds; 0 for
    what is not told. `primary_id` is the product that it is a variant of, "" for none.
    """

    id: str
    title: str
    description: str = ""
    categories: tuple[str, ...] = ()
    brand: str = ""
    properties: str = ""
    currency: str = ""
    micros: int | None = None
    availability: str = IN_STOCK
    gtin: str = ""
    margin: float = 0.0
    since: float = 0.0
    attributes: tuple[Value, ...] = ()
    primary_id: str = ""


def path(category: str) -> str:
    """A category path with its levels clean and joined in the one way: "Grocery > Dairy"."""
    return LEVEL.join(level for level in map(clean, category.split(">")) if level)


def paths(categories: tuple[str, ...]) -> list[str]:
    """Each category path and all above it, sorted, each once: "Grocery", "Grocery > Dairy"."""
    return sorted({above for category in categories for above in _above(path(category))})


def lowest(paths: Sequence[str]) -> list[str]:
    """Those of the paths that lie above none of the others, sorted."""
    return sorted(path for path in paths if not any(other.startswith(path + LEVEL) for other in paths))


def _above(category: str) -> Iterator[str]:
    levels = category.split(LEVEL) if category else []
    return (LEVEL.join(levels[:depth]) for depth in range(1, len(levels) + 1))


def meaning(product: Product) -> str:
    """The text that is embedded: title and description, chosen on judged queries (docs/search-quality.md)."""
    return clean(f"{product.title}. {product.description}")[:MEANING_CHARACTERS]


def price_range(currency: str, micros: int | None) -> str:
    """The facet value of a price: "USD 2-5" holds 2.00 up to, not including, 5.00; "" without a price."""
    if micros is None or micros < 0:
        return ""
    if micros < MICROS:
        return f"{currency} 0-1"
    edge, decade = MICROS, MICROS
    while True:
        for low, high in zip(_STEPS, (*_STEPS[1:], 10), strict=True):
            edge = high * decade
            if micros < edge:
                return f"{currency} {low * decade // MICROS}-{edge // MICROS}"
        decade *= 10
