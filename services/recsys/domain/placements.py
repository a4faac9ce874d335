"""What each placement is made of: the one table to change when a page should show others."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Placement(Enum):
    """Where the products will be shown."""

    HOME = "home"
    BUY_AGAIN = "buy again"
    PRODUCT = "product"
    CART = "cart"
    POPULAR = "popular"


class Bought(Enum):
    """Whether products that the shopper bought before may be answered."""

    NEVER = "never"
    ONLY = "only"
    MAY = "may"


class Source(Enum):
    """Where candidates come from; sources.py has one function for each."""

    REPEATS = "what the shopper buys again, by frequency and recency"
    NEIGHBOURS_OF_TASTE = "goes with what the shopper bought or looked at"
    POPULAR_IN_LIKED = "popular on the shelves that the shopper likes"
    NEIGHBOURS_OF_CONTEXT = "in one basket with the context"
    LIKE_CONTEXT = "shares category or brand with the context"
    POPULAR = "popular with everybody"


@dataclass(frozen=True, slots=True)
class Mix:
    """Sources and their weights. A source's best candidate adds its weight to its product's score, the others
    less. What is weighed 0.01 or less only fills up behind the rest.
    """

    bought: Bought
    parts: Mapping[Source, float]


MIXES: Mapping[Placement, Mix] = MappingProxyType(
    {
        Placement.HOME: Mix(
            Bought.NEVER,
            {Source.NEIGHBOURS_OF_TASTE: 1.0, Source.POPULAR_IN_LIKED: 0.5, Source.POPULAR: 0.5},
        ),
        Placement.BUY_AGAIN: Mix(
            Bought.ONLY,
            {Source.REPEATS: 1.0},
        ),
        Placement.PRODUCT: Mix(
            Bought.MAY,
            {Source.NEIGHBOURS_OF_CONTEXT: 1.0, Source.LIKE_CONTEXT: 0.01, Source.POPULAR: 0.0001},
        ),
        Placement.CART: Mix(
            Bought.MAY,
            {Source.NEIGHBOURS_OF_CONTEXT: 1.0, Source.LIKE_CONTEXT: 0.01, Source.POPULAR: 0.0001},
        ),
        Placement.POPULAR: Mix(
            Bought.MAY,
            {Source.POPULAR: 1.0},
        ),
    }
)

SIMILAR = Mix(Bought.MAY, {Source.NEIGHBOURS_OF_CONTEXT: 1.0, Source.LIKE_CONTEXT: 0.01})
"""What ListSimilarProducts answers: no popular products that have nothing to do with the one asked about."""

NEXT_BASKET = Mix(
    Bought.MAY,
    {Source.REPEATS: 1.0, Source.NEIGHBOURS_OF_TASTE: 0.1, Source.POPULAR: 0.2},
)
"""What evaluation asks for: all that a shopper may buy next, repeats and discoveries in one list."""
