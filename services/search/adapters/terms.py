"""What a product is found by, row by row: the stems of its words, and its values."""

from collections.abc import Iterator
from typing import Final

from services.search.adapters.view_reads import Analyse
from services.search.adapters.words_index import Row

_OF: Final = "\0"  # in no word, name or value

VALUES: Final = f"{_OF}attributes{_OF}"
"""How the terms begin that are counted value by value: those of attributes."""


def terms_of(row: Row, analyse: Analyse) -> Iterator[str]:
    """All terms of a product; some may come twice."""
    yield from analyse(" ".join(row.texts))
    yield value_term("availability", row.availability)
    yield value_term("brand_key", row.brand_key)
    if row.micros is not None:
        yield value_term("currency", row.currency)
    for path in row.paths:
        yield value_term("path", path)
    yield from values_of(row)


def values_of(row: Row) -> Iterator[str]:
    """The terms of a product's attributes."""
    return (attribute_term(name, value) for name, value in row.attributes)


def value_term(field: str, value: str) -> str:
    """The term of a field's value."""
    return f"{_OF}{field}{_OF}{value}"


def attribute_term(name: str, value: str) -> str:
    """The term of an attribute's value; all of one attribute begin with that of its empty value."""
    return f"{VALUES}{name}{_OF}{value}"
