"""An order of relevance as the merchant wants it: boosts move scores, pins take places."""

from collections.abc import Sequence
from typing import Final

from services.search.domain.controls import Boost, Controls, Pin
from services.search.domain.fusion import Match
from services.search.domain.ports import Candidate, Shelf, Wanted
from services.search.domain.request import Filter

LIFT: Final = 13.0
"""What a strength of 1 adds: the most that words, phrase and meaning reach together is about as much."""


MOST_ALIKE: Final = 1_000
"""Products that share a pinned product's text, among which it is found."""


def boosted(matches: list[Match], boosts: Sequence[Boost], shelf: Shelf) -> list[Match]:
    """The matches with the boosts added to their scores."""
    for boost in boosts:
        moved = {m.candidate.document for m in matches if m.candidate.product_id in boost.product_ids}
        if boost.filter != Filter():
            keys = list({match.candidate.text_key for match in matches})
            alike = shelf.ranked(Wanted(texts=tuple(keys), filter=boost.filter), len(matches))
            moved |= {candidate.document for candidate in alike}
        matches = [
            match.plus(boost=LIFT * boost.strength) if match.candidate.document in moved else match
            for match in matches
        ]
    return matches


def pinned(
    matches: list[Match], pins: Sequence[Pin], shelf: Shelf, filter_: Filter, controls: Controls
) -> list[Match]:
    """The matches with the pinned products at their places, as far as the filter lets them through."""
    if not pins:
        return matches
    places = {pin.product_id: pin.position for pin in sorted(pins, key=lambda pin: (-pin.position, pin.id))}
    found = {match.candidate.product_id: match for match in matches if match.candidate.product_id in places}
    for candidate in _named(shelf, controls.text_keys(list(places)), filter_):
        if candidate.product_id in places:
            found.setdefault(candidate.product_id, Match(candidate, 0.0))
    arranged = [match for match in matches if match.candidate.product_id not in found]
    for product_id, position in sorted(places.items(), key=lambda place: place[1]):
        if product_id in found:
            arranged.insert(position - 1, found[product_id])
    return arranged


def _named(shelf: Shelf, text_keys: Sequence[int], filter_: Filter) -> list[Candidate]:
    return shelf.ranked(Wanted(texts=tuple(text_keys), filter=filter_), MOST_ALIKE) if text_keys else []
