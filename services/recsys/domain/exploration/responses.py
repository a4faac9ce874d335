"""Joins what was drawn with what was shown and what shoppers did, and counts what cannot be joined.

A shop's events come late, twice, out of order and by clocks that are wrong. What cannot be told is left out,
never guessed, and counted: a count that grows says what to mend in the shop's events.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from services.recsys.domain.exploration.learning import Outcome
from services.recsys.domain.exploration.slots import Drawn, Slot

WINDOW = 24 * 3600.0
"""Seconds after which what a shopper does is no longer a response to what was shown."""

SKEW = 300.0
"""Seconds by which a response may seem to come before its impression: clocks of two devices."""

COUNTED = (
    "slates",
    "slates not shown",
    "impressions without a slate",
    "impressions again",
    "impressions without position",
    "chances that are not right",
    "responses without an impression",
    "responses again",
    "responses before the impression",
    "responses too late",
)


class Shown(NamedTuple):
    """A product of a list that was viewed; position 0 when the event does not tell it."""

    request_id: str
    product: str
    position: int
    time: float


class Done(NamedTuple):
    """A product that was clicked, looked at, put into the cart or bought, by the token of an answer."""

    request_id: str
    product: str
    time: float


def join(
    drawn: Iterable[Drawn], shown: Iterable[Shown], done: Iterable[Done]
) -> tuple[Sequence[Outcome], Counter[str]]:
    """Outcomes in order of time, and how many of each of COUNTED; the same for events in any order."""
    told: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
    slates: dict[str, Drawn] = {}
    slots: dict[tuple[str, str], Slot] = {}
    for one in sorted(drawn, key=lambda one: (one.time, one.request_id)):
        told["slates"] += 1
        slates[one.request_id] = one
        for slot in one.slots:
            if slot.sound():
                slots[one.request_id, slot.products[slot.chosen]] = slot
            else:
                told["chances that are not right"] += 1
    seen = _impressions(shown, slates, slots, told)
    responded = _responses(done, slates, slots, seen, told)
    told["slates not shown"] = len(slates.keys() - {request_id for request_id, _ in seen})
    outcomes = [
        Outcome(slots[key], one.position, slates[key[0]].shopper, one.time, float(key in responded))
        for key, one in seen.items()
    ]
    return sorted(outcomes, key=lambda one: (one.time, one.shopper, one.position)), told


def _impressions(
    shown: Iterable[Shown],
    slates: dict[str, Drawn],
    slots: dict[tuple[str, str], Slot],
    told: Counter[str],
) -> dict[tuple[str, str], Shown]:
    """The first impression of each drawn product; a position that is not told is the slot's own."""
    seen: dict[tuple[str, str], Shown] = {}
    for one in sorted(shown, key=lambda one: (one.time, one.request_id, one.product, one.position)):
        key = one.request_id, one.product
        if one.request_id not in slates:
            told["impressions without a slate"] += 1
        elif key in seen:
            told["impressions again"] += 1
        elif key in slots:
            if one.position < 1:
                told["impressions without position"] += 1
                one = one._replace(position=slots[key].position)
            seen[key] = one
    return seen


def _responses(
    done: Iterable[Done],
    slates: dict[str, Drawn],
    slots: dict[tuple[str, str], Slot],
    seen: dict[tuple[str, str], Shown],
    told: Counter[str],
) -> set[tuple[str, str]]:
    """The drawn products that were responded to, in time."""
    responded: set[tuple[str, str]] = set()
    for one in sorted(done):
        key = one.request_id, one.product
        if one.request_id not in slates or key not in slots:
            continue  # about something that was not drawn
        if key not in seen:
            told["responses without an impression"] += 1
        elif key in responded:
            told["responses again"] += 1
        elif one.time < seen[key].time - SKEW:
            told["responses before the impression"] += 1
        elif one.time > seen[key].time + WINDOW:
            told["responses too late"] += 1
        else:
            responded.add(key)
    return responded
