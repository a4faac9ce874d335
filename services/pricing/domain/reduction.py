"""Price reductions as EU directive 98/6/EC, article 6a, has them announced: from the lowest price of the
30 days before. A reduction that deepens keeps the price that stood before its first step, and one older
than 30 days is announced no more: what it lowered is the ordinary price by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.pricing.domain.limits import CLAIM, WINDOW

if TYPE_CHECKING:
    from services.pricing.domain.account import Entry, State


def after(state: State, recent: Sequence[Entry] | None, entry: Entry | None) -> tuple[int | None, int | None]:
    """The lowest price before the reduction that runs after an entry, and its start; (None, None) for none.

    `state` is the state before the entry, `recent` the ledger of the 30 days before; None when it is not
    told: then no new reduction is claimed.
    """
    if entry is None:
        return state.lowest, state.reduced
    if state.lowest is not None and state.reduced is not None and entry.time < state.reduced + CLAIM:
        # It runs on while the price stays below; the price that it began from stays its measure.
        return (state.lowest, state.reduced) if entry.price < state.lowest else (None, None)
    if recent is None or entry.price >= state.price:
        return None, None
    low = lowest_before(state, recent, entry)
    return (low, entry.time) if entry.price < low else (None, None)


def lowest_before(state: State, recent: Sequence[Entry], entry: Entry) -> int:
    """The lowest price that was in force in the 30 days before an entry, in its currency.

    An entry tells the price until it, too: so the first of the window brings the price the window began with.
    """
    prices = [state.price]
    for known in recent:
        if known.time > entry.time - WINDOW and known.currency == entry.currency:
            prices += [known.price] if known.previous is None else [known.price, known.previous]
    return min(prices)


def discount_percent(price: int, lowest: int) -> int:
    """How far a price lies below another, in whole per cent, rounded down."""
    return (lowest - price) * 100 // lowest if 0 <= price < lowest else 0


def claimed(lowest: int | None, reduced: int | None, now: int) -> bool:
    """Whether the reduction may be announced at a moment."""
    return lowest is not None and reduced is not None and now < reduced + CLAIM
