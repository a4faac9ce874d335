"""What each thing that a shopper does says about their taste."""

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Kind(Enum):
    """How a signal counts."""

    PURCHASE = "purchase"
    REFUND = "refund"
    INTEREST = "interest"


STRENGTH = MappingProxyType(
    {
        "PRODUCT_CLICKED": (Kind.INTEREST, 0.1),
        "PRODUCT_VIEWED": (Kind.INTEREST, 0.2),
        "PRODUCT_ADDED": (Kind.INTEREST, 0.5),
        "PRODUCT_REMOVED": (Kind.INTEREST, -0.5),
        "ORDER_COMPLETED": (Kind.PURCHASE, 1.0),
        "ORDER_REFUNDED": (Kind.REFUND, 1.0),
    }
)
"""By event type; what does not stand here says nothing of taste. A purchase counts 1."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What one event says: shopper's key, how it counts, when (Unix seconds), product ids with pieces."""

    shopper: str
    kind: Kind
    strength: float
    time: float
    items: tuple[tuple[str, int], ...]


def shopper_keys(user_id: str, visitor_id: str) -> tuple[str, ...]:
    """The keys under which a shopper's taste may stand, the one that counts first first."""
    return tuple(f"{kind}:{name}" for kind, name in (("user", user_id), ("visitor", visitor_id)) if name)
