"""The last stages of an order of relevance: business signals, what clicks taught, and variety."""

from collections.abc import Callable, Sequence
from typing import Final

from services.search.domain.diversity import spread_out
from services.search.domain.fusion import Match, arrange
from services.search.domain.learning import Ranker, corrected, features, usual_price
from services.search.domain.query.understanding import Understanding
from services.search.domain.signals import Signals, Weights, weighted
from services.search.domain.stages import Stage

FIRST: Final = 200
"""Products of the fused order, best first, that these stages reorder: as many as the largest page."""


class Ordering:
    """Reorders the first of what was found; `ranker` tells the one to use, None when there is none."""

    def __init__(self, signals: Signals, ranker: Callable[[], Ranker | None] = lambda: None) -> None:
        self._signals = signals
        self._ranker = ranker

    def of(
        self,
        matches: Sequence[Match],
        query: Understanding,
        weights: Weights,
        stages: frozenset[Stage],
        now: float,
    ) -> list[Match]:
        """The matches, best first, reordered; `now` in seconds."""
        head, tail = matches[:FIRST], matches[FIRST:]
        ranker = self._ranker() if Stage.LEARNT in stages else None
        documents = [match.candidate.document for match in head]
        known = self._signals.of(documents, now, texts=ranker is not None)
        if Stage.SIGNALS in stages:
            head = weighted(head, known, weights, now)
        if ranker is not None:
            table = features(head, known, query, usual_price(known), now)
            head = corrected(head, table, ranker)
        head = arrange(head)
        if Stage.VARIETY in stages:
            head = spread_out(head, known, brands=not any(name.kind == "brand" for name in query.named))
        return [*head, *tail]
