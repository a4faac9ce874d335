"""What one request stands on: who asks, from where, and what may be answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.filters import Filter
from services.recsys.domain.interactions import Past
from services.recsys.domain.placements import Bought, Mix
from services.recsys.domain.ports import Knowledge
from services.recsys.domain.shop import Shop
from services.recsys.domain.taste import Taste


@dataclass(frozen=True)
class Asked:
    """Who asks: keys of signals.shopper_keys, the visit, the product or cart they are at, and the segment."""

    shopper: Sequence[str] = ()
    session_id: str = ""
    context: Sequence[str] = ()
    segment: str = ""


@dataclass(frozen=True)
class Context:
    """Good inside knowledge.shop() only: the rest of what is known is read when a source asks for it.

    `context` are living rows. `tired`: rows that the shopper was shown too often.
    """

    knowledge: Knowledge
    asked: Asked
    taste: Taste
    context: Sequence[int]
    allowed: NDArray[np.bool_]
    tired: NDArray[np.int64]

    @cached_property
    def past(self) -> Past:
        """What the shopper took of late, looked at, or did in this visit, over rows."""
        return self.knowledge.past(self.asked.shopper, self.asked.session_id)

    @cached_property
    def orders(self) -> Past:
        """What the shopper bought of late, over rows."""
        return self.knowledge.past(self.asked.shopper, bought=True)

    @cached_property
    def visit(self) -> Past:
        """What was taken or looked at in this visit, over rows."""
        return self.knowledge.session(self.asked.session_id)


def context_of(
    knowledge: Knowledge, shop: Shop, mix: Mix, asked: Asked, wanted: Filter, exclude: Sequence[str]
) -> Context:
    """Neither the context itself, nor what is excluded, nor what the shopper hid may be answered."""
    taste = knowledge.taste(asked.shopper)
    allowed = shop.catalogue.allowed(wanted)
    living = list(dict.fromkeys(shop.catalogue.rows(asked.context)))
    allowed[living] = False
    allowed[shop.catalogue.rows(exclude)] = False
    allowed[knowledge.hidden(asked.shopper)] = False
    if mix.bought is Bought.NEVER:
        allowed[taste.rows[taste.owned]] = False
    elif mix.bought is Bought.ONLY:
        owned = np.zeros_like(allowed)
        owned[taste.rows[taste.owned]] = True
        allowed &= owned
    shown = knowledge.shown(asked.shopper)
    tired = shown.rows[shown.recent() > mix.shown_most]
    return Context(knowledge, asked, taste, living, allowed, tired)
