"""Why a product was chosen, in words that a shopper reads."""

from dataclasses import dataclass
from enum import Enum

from services.recsys.domain.catalogue import LEVELS


class Code(Enum):
    """Kinds of reasons, by their names in the proto."""

    UNSPECIFIED = "UNSPECIFIED"
    BUY_AGAIN = "BUY_AGAIN"
    BECAUSE_YOU_BOUGHT = "BECAUSE_YOU_BOUGHT"
    BOUGHT_TOGETHER = "BOUGHT_TOGETHER"
    POPULAR_IN_CATEGORY = "POPULAR_IN_CATEGORY"
    POPULAR = "POPULAR"
    SIMILAR = "SIMILAR"
    PROMOTED = "PROMOTED"
    LIKE_VIEWED = "LIKE_VIEWED"
    TRENDING = "TRENDING"
    NEW = "NEW"


@dataclass(frozen=True, slots=True)
class Reason:
    """The kind, the words, and the ids of the products that the words name."""

    code: Code
    text: str
    product_ids: tuple[str, ...] = ()


POPULAR = Reason(Code.POPULAR, "Popular with our shoppers")
POPULAR_THERE = Reason(Code.POPULAR, "Popular where you shop")
YOUR_TASTE = Reason(Code.BECAUSE_YOU_BOUGHT, "Goes with what you buy")
LOOKED_AT = Reason(Code.LIKE_VIEWED, "You looked at this")
PROMOTED = Reason(Code.PROMOTED, "Picked by the shop")
KEPT = Reason(Code.UNSPECIFIED, "In the order given")


def buy_again(times: int) -> Reason:
    """The shopper bought it `times` times."""
    return Reason(Code.BUY_AGAIN, "You bought this before" if times < 2 else f"You bought this {times} times")


def because_you_bought(title: str, product_id: str) -> Reason:
    """It goes with something that the shopper bought."""
    return Reason(Code.BECAUSE_YOU_BOUGHT, f"Because you bought {title}", (product_id,))


def because_you_looked(title: str, product_id: str) -> Reason:
    """It goes with something that the shopper only looked at."""
    return Reason(Code.BOUGHT_TOGETHER, f"Often bought with {title}, which you looked at", (product_id,))


def bought_together(title: str, product_id: str) -> Reason:
    """It is often in one basket with a product of the context."""
    return Reason(Code.BOUGHT_TOGETHER, f"Often bought with {title}", (product_id,))


def foretold(title: str, product_id: str) -> Reason:
    """It is bought with products of such words as one of the context."""
    return Reason(Code.BOUGHT_TOGETHER, f"Goes with products like {title}", (product_id,))


def like_viewed(title: str, product_id: str) -> Reason:
    """It goes with, or is like, a product of this visit."""
    return Reason(Code.LIKE_VIEWED, f"Like {title}, which you viewed in this visit", (product_id,))


def trending_in(category: str) -> Reason:
    """Bought more of late than before."""
    name = category.split(LEVELS)[-1]
    return Reason(Code.TRENDING, f"Trending in {name}" if name else "Trending now")


def new_in(category: str) -> Reason:
    """Came to the shop of late."""
    name = category.split(LEVELS)[-1]
    return Reason(Code.NEW, f"New in {name}" if name else "New in the shop")


def popular_in(category: str) -> Reason:
    """Popular on a shelf that the shopper likes; the last level names it."""
    return Reason(Code.POPULAR_IN_CATEGORY, f"Popular in {category.split(LEVELS)[-1]}")


def from_liked(category: str) -> Reason:
    """It stands on a shelf from which the shopper buys."""
    return Reason(Code.SIMILAR, f"You like {category.split(LEVELS)[-1]}")


def shares_category(category: str, title: str, product_id: str) -> Reason:
    """It stands in the same category as a product of the context."""
    return Reason(Code.SIMILAR, f"Also in {category.split(LEVELS)[-1]}, like {title}", (product_id,))


def shares_brand(brand: str, title: str, product_id: str) -> Reason:
    """It is of the same brand as a product of the context."""
    return Reason(Code.SIMILAR, f"Also by {brand}, like {title}", (product_id,))
