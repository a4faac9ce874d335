"""Attributes of products, "colour" or "size": what is counted and filtered by, numbers as ranges too."""

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

from services.search.domain.errors import InvalidValue, TooManyItems
from services.search.domain.text import clean, key

PREFIX: Final = "attributes."
"""How the facet of an attribute begins: "attributes.colour". "size" is a facet of its own name too."""

SIZE: Final = "size"
GROUP: Final = "\ngroup"
"""The name under which a variant keeps its primary product; no attribute of a shop has such a name."""

MAX_FILTERS: Final = 20
MAX_VALUES: Final = 100
MAX_VALUE_CHARACTERS: Final = 60
"""Longer values are texts, which nobody counts or filters by."""

FEW_NUMBERS: Final = 20
"""Different numbers of an attribute that are counted one by one; more are counted in ranges."""

_RANGE: Final = "\n"
_STEPS: Final = (1, 2, 5, 10)
_LEAST: Final = 0.001


class AttributeFilter(NamedTuple):
    """Lets through what has one of the values, or a number from `minimum` up to, not including, `below`."""

    name: str
    values: tuple[str, ...] = ()
    minimum: float | None = None
    below: float | None = None


class Value(NamedTuple):
    """One value of an attribute as the catalogue has it; `name` and `key` in normal spelling."""

    name: str
    key: str
    text: str
    number: float | None = None


def attribute_of(facet: str) -> str | None:
    """The attribute that a facet counts, None for another facet."""
    if facet == SIZE:
        return SIZE
    return facet.removeprefix(PREFIX) if facet.startswith(PREFIX) else None


def range_name(name: str) -> str:
    """The name under which the ranges of an attribute's numbers are kept."""
    return f"{name}{_RANGE}"


def values_of(attributes: Mapping[str, Iterable[str]]) -> list[Value]:
    """The values of a product that are counted and filtered by, each once."""
    found = {
        (key(name), key(text)): Value(key(name), key(text), clean(text), number(text))
        for name, texts in attributes.items()
        for text in texts
        if key(text) and len(text) <= MAX_VALUE_CHARACTERS
    }
    return list(found.values())


def indexed(values: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Names and keys by which a product is found, those of its numbers' ranges too; each once."""
    once = dict.fromkeys(values)
    for name, text in list(once):
        if (amount := number(text)) is not None:
            once[range_name(name), range_of(amount)] = None
    yield from once


def number(text: str) -> float | None:
    """The number that a text is; None for any other text."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def range_of(amount: float) -> str:
    """The range that a number is counted in: "20-50" holds 20 up to, not including, 50; "<0" all below 0."""
    if amount < 0:
        return "<0"
    if amount < _LEAST:
        return f"0-{_LEAST:g}"
    decade = 10.0 ** math.floor(math.log10(amount))
    low, high = next((low, high) for low, high in pairwise(_STEPS) if amount < high * decade)
    return f"{low * decade:g}-{high * decade:g}"


def bounds(text: str) -> tuple[float | None, float | None]:
    """From where and up to, not including, what a range goes."""
    if text == "<0":
        return None, 0.0
    low, _, high = text.partition("-")
    return number(low), number(high)


def check_filters(filters: tuple[AttributeFilter, ...]) -> None:
    """Raises InvalidValue or TooManyItems."""
    if len(filters) > MAX_FILTERS:
        raise TooManyItems(f"at most {MAX_FILTERS} attributes", "attribute_filters")
    for each in filters:
        if not each.name:
            raise InvalidValue("an attribute has a name", "attribute_filters.name")
        if len(each.values) > MAX_VALUES:
            raise TooManyItems(f"at most {MAX_VALUES} values", "attribute_filters.values")
        if not each.values and each.minimum is None and each.below is None:
            raise InvalidValue("a filter needs values or a bound", "attribute_filters")
        if any(bound is not None and math.isnan(bound) for bound in (each.minimum, each.below)):
            raise InvalidValue("a bound is a number", "attribute_filters")
