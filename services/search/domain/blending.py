"""One answer for a query that may have been meant in several ways: each reading has a share of the places.

A place goes to the reading with the largest share / (places it has + 1), which is D'Hondt's division of
seats; the best of its products that is not there yet takes it. Scores fall along the order, so that later
stages keep it.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from services.search.domain.fusion import Match

GAP: Final = 1.0
"""How far below what stands first the rest begins: more than business signals move a product."""

STEP: Final = 1e-6
"""The least by which a score falls from one place to the next."""


class Found(NamedTuple):
    """What one reading finds, best first, and its share of the answer."""

    text: str
    share: float
    matches: Sequence[Match]


def blended(readings: Sequence[Found], *, stands: bool) -> list[Match]:
    """The products of all readings, each once; with `stands` what has every word of the first comes first."""
    first = [match for match in readings[0].matches if match.whole] if stands else []
    taken = {match.candidate.document for match in first}
    found, last = list[Match](), math.inf
    for place, match in enumerate([*first, *_divided(readings, taken)]):
        if place == len(first):
            last -= GAP
        found.append(match.plus(reading=min(0.0, last - match.score)))
        last = found[-1].score - STEP
    return found


def _divided(readings: Sequence[Found], taken: set[int]) -> Iterator[Match]:
    waiting = [iter(reading.matches) for reading in readings]
    places = [0] * len(readings)
    left = set(range(len(readings)))
    while left:
        turn = max(left, key=lambda n: (readings[n].share / (places[n] + 1), -n))
        match = next((one for one in waiting[turn] if one.candidate.document not in taken), None)
        if match is None:
            left.remove(turn)
            continue
        taken.add(match.candidate.document)
        places[turn] += 1
        yield match if turn == 0 else match._replace(said=readings[turn].text)
