"""What is offered when nothing matches: the same search with one of its conditions lifted, else with none."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from services.search.domain.attributes import attribute_of
from services.search.domain.request import Filter

FACET_FIELDS: Final = {
    "category": "categories",
    "brand": "brands",
    "price": "price",
    "availability": "in_stock_only",
}
"""The condition that a value of each facet stands for."""

CONDITIONS: Final = ("excluded_words", "price", "in_stock_only", "attributes", "brands", "categories")
"""In the order in which a shopper would rather give them up."""


def lifted(filter_: Filter, condition: str) -> Filter:
    """The filter without one of the CONDITIONS."""
    match condition:
        case "price":
            return replace(filter_, currency="", minimum=None, maximum=None)
        case "in_stock_only":
            return replace(filter_, in_stock_only=False)
        case "excluded_words":
            return replace(filter_, without=())
        case "attributes":
            return replace(filter_, attributes=())
        case "brands":
            return replace(filter_, brands=())
        case _:
            return replace(filter_, categories=())


def without_facet(filter_: Filter, facet: str) -> Filter:
    """The filter without what chooses among the values of this facet."""
    if (attribute := attribute_of(facet)) is None:
        return lifted(filter_, FACET_FIELDS[facet])
    return replace(filter_, attributes=tuple(each for each in filter_.attributes if each[0] != attribute))


def relaxations(filter_: Filter) -> Iterator[tuple[tuple[str, ...], Filter]]:
    """Wider filters with what was lifted: each condition alone, then all of them; none of an empty filter."""
    held = tuple(name for name in CONDITIONS if lifted(filter_, name) != filter_)
    for name in held:
        yield (name,), lifted(filter_, name)
    if len(held) > 1:
        yield held, Filter()
