"""What each placement is made of: the one table to change when a page should show others."""

import math
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
    SIMILAR = "similar"
    FREQUENTLY_BOUGHT_TOGETHER = "frequently bought together"
    TRENDING = "trending"
    NEW = "new"


class Bought(Enum):
    """Whether products that the shopper bought before may be answered."""

    NEVER = "never"
    ONLY = "only"
    MAY = "may"


class Source(Enum):
    """Where candidates come from; sources/ has one function for each."""

    OWN = "what the shopper bought or looked at, the latest and most frequent first"
    REPEATS = "what the shopper buys again, by frequency and recency"
    NEXT_BASKET = "what the next order holds, repeats and all, by the basket model"
    COLLABORATIVE = "what shoppers of this taste take, by the collaborative model"
    SEQUENCE = "what comes next after all that the shopper took, by the sequence model where there is one"
    VISIT = "goes with, or is like, what was looked at in this visit"
    NEIGHBOURS_OF_TASTE = "goes with what the shopper bought or looked at"
    LIKED_SHELVES = "stands on a shelf that the shopper likes"
    POPULAR_IN_LIKED = "popular on the shelves that the shopper likes"
    NEIGHBOURS_OF_CONTEXT = "in one basket with the context"
    FORETOLD = "what products of such words as the context's are bought with, by the content model"
    LIKE_CONTEXT = "shares category or brand with the context"
    POPULAR = "popular with everybody"
    TRENDING = "bought more of late than before"
    NEW = "came to the shop of late; on liked shelves first"


@dataclass(frozen=True, slots=True)
class Mix:
    """Sources and their weights. A source's best candidate adds its weight to its product's score, the others
    less. What is weighed 0.01 or less only fills up behind the rest.

    `name`: training may find better weights, and they stand in the model under this name. `shown_most`:
    what the shopper was shown more often of late, without buying it, stands behind the rest.
    """

    bought: Bought
    parts: Mapping[Source, float]
    name: str = ""
    shown_most: float = math.inf


SIMILAR = Mix(Bought.MAY, {Source.NEIGHBOURS_OF_CONTEXT: 1.0, Source.LIKE_CONTEXT: 0.01})
"""No popular products that have nothing to do with the one asked about: ListSimilarProducts too."""

_WITH_CONTEXT: Mapping[Source, float] = MappingProxyType(
    {
        Source.NEIGHBOURS_OF_CONTEXT: 1.0,
        Source.FORETOLD: 0.01,
        Source.LIKE_CONTEXT: 0.001,
        Source.POPULAR: 0.0001,
    }
)

MIXES: Mapping[Placement, Mix] = MappingProxyType(
    {
        Placement.HOME: Mix(
            Bought.NEVER,
            {
                Source.VISIT: 0.5,
                Source.COLLABORATIVE: 0.5,
                Source.SEQUENCE: 0.5,
                Source.NEIGHBOURS_OF_TASTE: 1.0,
                Source.POPULAR_IN_LIKED: 0.5,
                Source.POPULAR: 0.5,
            },
            name="home",
            shown_most=10.0,
        ),
        Placement.BUY_AGAIN: Mix(
            Bought.ONLY,
            {Source.REPEATS: 1.0, Source.NEXT_BASKET: 1.0},
            name="buy again",
        ),
        Placement.PRODUCT: Mix(
            Bought.MAY,
            _WITH_CONTEXT,
        ),
        Placement.CART: Mix(
            Bought.MAY,
            _WITH_CONTEXT,
        ),
        Placement.POPULAR: Mix(
            Bought.MAY,
            {Source.POPULAR: 1.0},
        ),
        Placement.SIMILAR: SIMILAR,
        Placement.FREQUENTLY_BOUGHT_TOGETHER: Mix(
            Bought.MAY,
            {Source.NEIGHBOURS_OF_CONTEXT: 1.0},
        ),
        Placement.TRENDING: Mix(
            Bought.MAY,
            {Source.TRENDING: 1.0},
            shown_most=10.0,
        ),
        Placement.NEW: Mix(
            Bought.NEVER,
            {Source.NEW: 1.0},
            shown_most=10.0,
        ),
    }
)

RANKED = Mix(
    Bought.MAY,
    {
        Source.OWN: 1.0,
        Source.COLLABORATIVE: 0.1,
        Source.NEIGHBOURS_OF_TASTE: 0.1,
        Source.LIKED_SHELVES: 0.1,
    },
)
"""RankProducts: what moves the products of a search or a category, which bring their own order."""

NEXT_BASKET = Mix(
    Bought.MAY,
    {
        Source.REPEATS: 1.0,
        Source.NEXT_BASKET: 1.0,
        Source.COLLABORATIVE: 0.1,
        Source.SEQUENCE: 0.1,
        Source.NEIGHBOURS_OF_TASTE: 0.1,
        Source.POPULAR: 0.2,
    },
    name="next basket",
)
"""What evaluation asks for: all that a shopper may buy next, repeats and discoveries in one list."""
