"""What is known of a product beside its words: how it sells, what it earns, how new it is, can it be had.

A signal lies between 0 and 1, and its weight is what a product with 1 has added to its score, in which
having every word counts 2. The defaults are the table below; a merchant's control may set others.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, NamedTuple, Protocol

from services.search.domain.fusion import Match
from services.search.domain.product import IN_STOCK, OUT_OF_STOCK

DAY: Final = 86_400.0
SALES_DAYS: Final = 30.0
"""After so many days an order counts half in popularity."""

NEW_DAYS: Final = 30.0
"""After so many days a product is half as new."""

_AVAILABLE: Final = {IN_STOCK: 1.0, OUT_OF_STOCK: 0.0}
_PREORDER: Final = 0.5


@dataclass(frozen=True, slots=True)
class Weights:
    """What each signal adds at most. Chosen so that noise in them costs little, see docs/search.md."""

    popularity: float = 0.2
    margin: float = 0.0
    availability: float = 0.3
    freshness: float = 0.1


NAMES: Final = tuple(each.name for each in fields(Weights))


class Known(NamedTuple):
    """What the catalogue and the events tell of a product; `since` in seconds, 0 when it is not told.

    `brand` and `categories` in normal spelling; `margin` and `popularity` from 0 to 1.
    """

    title: str
    brand: str
    categories: tuple[str, ...]
    micros: int | None
    availability: str
    margin: float
    since: float
    popularity: float


class Signals(Protocol):
    """What is known of products; any thread may call it."""

    def of(self, documents: Sequence[int], now: float, *, texts: bool = True) -> Mapping[int, Known]:
        """What is known of each of these that is there, with or without its title and categories.

        `now` in seconds.
        """
        ...


class Sales:
    """Counts of what sells, in which the past fades: each is kept as log2 of what it is worth at time 0.

    So a count needs no clock, and two of them compare the same at any time.
    """

    def __init__(self) -> None:
        self._strength: dict[str, float] = {}
        self._most = -math.inf

    def add(self, product_id: str, strength: float) -> None:
        """Adds a sale or more; `strength` as `strength_of` gives it."""
        found = together(self._strength.get(product_id, -math.inf), strength)
        self._strength[product_id] = found
        self._most = max(self._most, found)

    def popularity(self, product_id: str, now: float) -> float:
        """See `popularity`."""
        return popularity(self._strength.get(product_id, -math.inf), self._most, now)


def strength_of(count: float, time: float) -> float:
    """So many sales at a time, in seconds."""
    return math.log2(count) + time / DAY / SALES_DAYS


def together(one: float, other: float) -> float:
    """The strength of both."""
    most, least = max(one, other), min(one, other)
    return most if least == -math.inf else most + math.log2(1 + 2 ** (least - most))


def popularity(strength: float, most: float, now: float) -> float:
    """From 0, nothing sold, to 1, the best seller: the logarithm of faded sales over the best seller's."""
    if strength == -math.inf:
        return 0.0
    past = now / DAY / SALES_DAYS
    best = math.log1p(2 ** (most - past))
    return math.log1p(2 ** (strength - past)) / best if best else 0.0


def signals_of(known: Known, now: float) -> dict[str, float]:
    """Each signal of NAMES."""
    age = max(0.0, now - known.since) / DAY
    return {
        "popularity": known.popularity,
        "margin": known.margin,
        "availability": _AVAILABLE.get(known.availability, _PREORDER),
        "freshness": 0.5 ** (age / NEW_DAYS) if known.since and known.since <= now else 0.0,
    }


def weighted(
    matches: Sequence[Match], known: Mapping[int, Known], weights: Weights, now: float
) -> list[Match]:
    """The matches with their signals' weights added, in the order they came in."""
    each = {name: weight for name in NAMES if (weight := getattr(weights, name))}
    found = []
    for match in matches:
        if about := known.get(match.candidate.document):
            values = signals_of(about, now)
            match = match.plus(**{name: weight * values[name] for name, weight in each.items()})
        found.append(match)
    return found
