"""Lists that shoppers were shown, and what they took of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.exploration.responses import SKEW, WINDOW, Done

LISTS: Mapping[str, str] = MappingProxyType({"home.picked-for-you": "home", "home.buy-again": "buy again"})
"""By an event's list_id, the mix that filled the list; see placements.py."""

DEEPEST = 50
"""Positions further back count as this one."""

Floats = NDArray[np.float64]


class Impression(NamedTuple):
    """One list as it was viewed: products with positions from 1, and which of them were taken."""

    shopper: str
    mix: str
    time: float
    products: Sequence[str]
    positions: NDArray[np.int64]
    taken: NDArray[np.bool_]


@dataclass(frozen=True)
class Viewed:
    """A PRODUCT_LIST_VIEWED event with a token; positions are 0 where the event does not tell them."""

    request_id: str
    list_id: str
    shopper: str
    time: float
    items: Sequence[tuple[str, int]]


def join(viewed: Iterable[Viewed], done: Iterable[Done]) -> list[Impression]:
    """Lists of LISTS in order of time, each once, with what was done in its answer's name within a day.

    A product whose position is not told stands where the event names it. The same for events in any order.
    """
    moments: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in done:
        moments[one.request_id, one.product].append(one.time)
    found: dict[tuple[str, str], Impression] = {}
    for event in sorted(viewed, key=lambda one: (one.time, one.request_id, one.list_id)):
        key = event.request_id, event.list_id
        if event.list_id not in LISTS or key in found:
            continue
        places: dict[str, int] = {}
        for at, (product, position) in enumerate(event.items, 1):
            places.setdefault(product, min(position if position > 0 else at, DEEPEST))
        taken = [
            any(
                event.time - SKEW <= time <= event.time + WINDOW
                for time in moments[event.request_id, product]
            )
            for product in places
        ]
        positions = np.array(list(places.values()), np.int64)
        found[key] = Impression(
            event.shopper, LISTS[event.list_id], event.time, list(places), positions, np.array(taken, bool)
        )
    return list(found.values())
