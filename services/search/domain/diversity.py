"""Variety on the first page: a brand, or a text, that was shown already stands a little further down.

Maximal marginal relevance (Carbonell and Goldstein 1998) with two plain likenesses, the same brand and the
same text. Whoever types a brand wants that brand: then only the same text counts.
"""

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from services.search.domain.fusion import Match
from services.search.domain.signals import Known

BRAND: Final = 0.08
TEXT: Final = 0.1
"""What each product of the brand, or with the text, that stands above takes from a score."""

MOST: Final = 4
"""Products above that count, so that a large brand does not sink for ever."""

_TEXTS: Final = [TEXT * seen for seen in range(MOST + 1)]
_BRANDS: Final = [BRAND * seen for seen in range(MOST + 1)]


def spread_out(matches: Sequence[Match], known: Mapping[int, Known], *, brands: bool) -> list[Match]:
    """The matches, best first, with what repetition takes from them; `brands`: whether brands count."""
    shown: defaultdict[str | int, int] = defaultdict(int)
    texts = [match.candidate.text_key for match in matches]
    makers = [about.brand if (about := known.get(match.candidate.document)) else "" for match in matches]

    def penalty(at: int) -> float:
        cost = _TEXTS[min(shown[texts[at]], MOST)]
        return cost + _BRANDS[min(shown[makers[at]], MOST)] if brands and makers[at] else cost

    # A penalty only grows, so a match that is still the best after a second look is the best.
    waiting = [(-match.score, match.candidate.product_id, at) for at, match in enumerate(matches)]
    heapq.heapify(waiting)
    found = list[Match]()
    while waiting:
        seen, product_id, at = waiting[0]
        lost = penalty(at)
        if lost - matches[at].score > seen:
            heapq.heapreplace(waiting, (lost - matches[at].score, product_id, at))
            continue
        heapq.heappop(waiting)
        found.append(matches[at].plus(variety=-lost) if lost else matches[at])
        shown[texts[at]] += 1
        shown[makers[at]] += 1
    return found
