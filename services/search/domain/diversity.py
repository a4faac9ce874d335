"""Variety on the first page: a brand, or a text, that was shown already stands a little further down.

Maximal marginal relevance (Carbonell and Goldstein 1998) with two plain likenesses, the same brand and the
same text. Whoever types a brand wants that brand: then only the same text counts.
"""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from services.search.domain.fusion import Match
from services.search.domain.signals import Known

BRAND: Final = 0.08
TEXT: Final = 0.1
"""What each product of the brand, or with the text, that stands above takes from a score."""

MOST: Final = 4
"""Products above that count, so that a large brand does not sink for ever."""


def spread_out(matches: Sequence[Match], known: Mapping[int, Known], *, brands: bool) -> list[Match]:
    """The matches, best first, with what repetition takes from them; `brands`: whether brands count."""
    shown: Counter[str | int] = Counter()

    def penalty(match: Match) -> float:
        text, about = match.candidate.text_key, known.get(match.candidate.document)
        cost = TEXT * min(shown[text], MOST)
        return cost + BRAND * min(shown[about.brand], MOST) if brands and about and about.brand else cost

    # A penalty only grows, so a match that is still the best after a second look is the best.
    waiting = [(-match.score, match.candidate.product_id, at) for at, match in enumerate(matches)]
    heapq.heapify(waiting)
    found = list[Match]()
    while waiting:
        seen, product_id, at = heapq.heappop(waiting)
        score = matches[at].score - penalty(matches[at])
        if -score > seen:
            heapq.heappush(waiting, (-score, product_id, at))
            continue
        found.append(matches[at].plus(variety=score - matches[at].score))
        shown[matches[at].candidate.text_key] += 1
        if about := known.get(matches[at].candidate.document):
            shown[about.brand] += 1
    return found
