"""What each thing that a shopper does says about their taste."""

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Kind(Enum):
    """How a signal counts."""

    PURCHASE = "purchase"
    REFUND = "refund"
    INTEREST = "interest"
    SHOWN = "shown"
    HIDDEN = "hidden"
    UNHIDDEN = "unhidden"


TASTE = frozenset((Kind.PURCHASE, Kind.REFUND, Kind.INTEREST))
"""The kinds that say what a shopper likes."""


STRENGTH = MappingProxyType(
    {
        "PRODUCT_CLICKED": (Kind.INTEREST, 0.1),
        "PRODUCT_VIEWED": (Kind.INTEREST, 0.2),
        "PRODUCT_ADDED": (Kind.INTEREST, 0.5),
        "PRODUCT_REMOVED": (Kind.INTEREST, -0.5),
        "ORDER_COMPLETED": (Kind.PURCHASE, 1.0),
        "ORDER_REFUNDED": (Kind.REFUND, 1.0),
        "PRODUCT_LIST_VIEWED": (Kind.SHOWN, 1.0),
        "PRODUCT_HIDDEN": (Kind.HIDDEN, 1.0),
        "PRODUCT_UNHIDDEN": (Kind.UNHIDDEN, 1.0),
    }
)
"""By event type; what does not stand here says nothing to this service. A purchase counts 1."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What one event says: shopper's key, how it counts, when (Unix seconds), product ids with pieces.

    `device` is the key of a signed-in shopper's browser, `session` that of the visit, `segment` the shop's
    name for where it happened; "" for none.
    """

    shopper: str
    kind: Kind
    strength: float
    time: float
    items: tuple[tuple[str, int], ...]
    device: str = ""
    session: str = ""
    segment: str = ""

    @property
    def takes(self) -> bool:
        """Whether the shopper took the products, or came near to it: what a past is made of."""
        return self.kind is Kind.PURCHASE or (self.kind is Kind.INTEREST and self.strength > 0)


def shopper_keys(user_id: str, visitor_id: str) -> tuple[str, ...]:
    """The keys under which a shopper's taste may stand, the one that counts first first."""
    return tuple(f"{kind}:{name}" for kind, name in (("user", user_id), ("visitor", visitor_id)) if name)


def session_key(session_id: str) -> str:
    """The key under which a visit's past stands; "" for none."""
    return f"session:{session_id}" if session_id else ""
