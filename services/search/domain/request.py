"""What may be asked, and how it is checked."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from services.search.domain.attributes import (
    PREFIX,
    SIZE,
    AttributeFilter,
    attribute_of,
    check_filters,
)
from services.search.domain.errors import InvalidValue, MixedCurrencies, TooLarge, TooManyItems
from services.search.domain.text import clean

MAX_QUERY_BYTES: Final = 1_000
MAX_ID_BYTES: Final = 128
MAX_FILTER_VALUES: Final = 100
MAX_FACETS: Final = 10
MAX_FACET_VALUES: Final = 50
MAX_SEARCHED_VALUES: Final = 10_000
"""Values of a facet, most products first, of which those are found that begin like a prefix."""

DEFAULT_PAGE: Final = 24
MAX_PAGE: Final = 200
FACETS: Final = ("category", "brand", "price", "availability")


class Order(Enum):
    """The order of an answer."""

    RELEVANCE = 1
    PRICE_ASCENDING = 2
    PRICE_DESCENDING = 3


@dataclass(frozen=True, slots=True)
class Filter:
    """Which products may be answered: AND between fields, OR inside one. Prices are in micros, both included.

    `categories` are normal paths, `brands` are case-folded, `without` are normal words that a product must
    not have, unless it says itself that it is without them. `attributes` are names and their values, normal;
    `products` are ids.
    """

    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    currency: str = ""
    minimum: int | None = None
    maximum: int | None = None
    in_stock_only: bool = False
    without: tuple[str, ...] = ()
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    products: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises TooManyItems."""
        for name, values in (("categories", self.categories), ("brands", self.brands)):
            if len(values) > MAX_FILTER_VALUES:
                raise TooManyItems(f"at most {MAX_FILTER_VALUES} {name}", f"filter.{name}")


@dataclass(frozen=True, slots=True)
class Request:
    """A search, checked: made by `request`, so that a search that exists is a search that may run."""

    query: str = ""
    filter: Filter = Filter()
    page_size: int = DEFAULT_PAGE
    page_token: str = ""
    order: Order = Order.RELEVANCE
    facets: tuple[str, ...] = ()
    exact: bool = False
    facet_prefixes: tuple[tuple[str, str], ...] = ()
    highlight: bool = False
    attribute_filters: tuple[AttributeFilter, ...] = ()
    group_variants: bool = False

    def __post_init__(self) -> None:
        """Raises TooLarge, TooManyItems or InvalidValue."""
        check_text(self.query, "query")
        if len(self.facets) > MAX_FACETS:
            raise TooManyItems(f"at most {MAX_FACETS} facets", "facet_keys")
        for name in self.facets:
            if name not in FACETS and not attribute_of(name):
                known = ", ".join((*FACETS, SIZE, f"{PREFIX}NAME"))
                raise InvalidValue(f"a facet is one of {known}", "facet_keys")
        check_filters(self.attribute_filters)
        for name, prefix in self.facet_prefixes:
            if name not in self.facets:
                raise InvalidValue("only a facet that is asked for can be searched", "facet_prefixes")
            check_text(prefix, "facet_prefixes")

    @property
    def text(self) -> str:
        """The query without what nobody typed on purpose; empty when it asks for nothing."""
        return clean(self.query)


def check_text(text: str, field: str) -> None:
    """Raises TooLarge when what was typed is longer than any query."""
    if len(text.encode(errors="replace")) > MAX_QUERY_BYTES:
        raise TooLarge(f"at most {MAX_QUERY_BYTES} bytes", field)


def check_id(value: str, field: str) -> None:
    """Raises TooLarge when an id is longer than any id of the shop."""
    if len(value.encode(errors="replace")) > MAX_ID_BYTES:
        raise TooLarge(f"at most {MAX_ID_BYTES} bytes", field)


def page_size(asked: int, default: int = DEFAULT_PAGE, most: int = MAX_PAGE) -> int:
    """The size asked for, coerced: the default for none, never more than the most."""
    return min(asked, most) if asked > 0 else default


def price_bounds(
    low: tuple[str, int] | None, high: tuple[str, int] | None
) -> tuple[str, int | None, int | None]:
    """The currency and the bounds of a price range in micros. Raises InvalidValue or MixedCurrencies."""
    for bound, field in ((low, "filter.min_price"), (high, "filter.max_price")):
        if bound is not None and not (len(bound[0]) == 3 and bound[0].isascii() and bound[0].isupper()):
            raise InvalidValue("a currency is three capital letters", field)
    if low is not None and high is not None and low[0] != high[0]:
        raise MixedCurrencies(f"a range from {low[0]} to {high[0]} has no products", "filter.max_price")
    currency = (low or high or ("", 0))[0]
    return currency, low[1] if low else None, high[1] if high else None
