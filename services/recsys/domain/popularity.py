"""What everybody buys: fading counts a product, the order that follows from them, and what grows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import decay

_STEP = 4096

PRIOR = 5.0
"""Purchases that each product is taken to have had of late, as expected: few real ones prove little."""


SEGMENT_PRIOR = 200.0
"""Purchases by which a segment is drawn to the whole shop: few real ones prove little."""

MOST_SEGMENTS = 64
"""Segments named later than these count in the whole shop alone: memory is segments times products."""


@dataclass(frozen=True)
class Popular:
    """Popularity at one moment: `order` has the rows best first, `share` of each row is in [0, 1].

    `growth` of each row is how many times as much of all purchases it has of late as over longer, 1.0 when
    it is the same. `since` is when a row was first known of, in Unix seconds, infinite for a dead row that
    no event names; `latest` is when something was last bought. `segments` has each segment's forward weights.
    """

    order: NDArray[np.int64]
    share: NDArray[np.float64]
    growth: NDArray[np.float64]
    since: NDArray[np.float64]
    latest: float
    segments: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    _within: dict[str, "Popular"] = field(default_factory=dict)

    def within(self, segment: str) -> "Popular":
        """The same in one segment, `growth` and `since` excepted; of a segment that is not known, itself.

        A segment counts as if SEGMENT_PRIOR purchases more had been made in it, spread as in the whole shop.
        """
        if segment not in self.segments:
            return self
        if segment not in self._within:
            whole = self.share / max(float(self.share.sum()), 1e-12)
            prior = SEGMENT_PRIOR * decay.forward(self.latest, decay.POPULARITY_HALF_LIFE)
            weights = np.maximum(self.segments[segment][: len(whole)], 0.0)
            weights = np.pad(weights, (0, len(whole) - len(weights))) + prior * whole
            share = weights / max(float(weights.max(initial=0.0)), 1e-300)
            self._within[segment] = replace(self, order=np.argsort(-weights, kind="stable"), share=share)
        return self._within[segment]

    def best(self, allowed: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
        """The most popular allowed rows, best first."""
        found: list[NDArray[np.int64]] = []
        for first in range(0, len(self.order), _STEP):
            part = self.order[first : first + _STEP]
            part = part[part < len(allowed)]
            found.append(part[allowed[part]])
            count -= len(found[-1])
            if count <= 0:
                break
        best = np.concatenate([np.zeros(0, np.int64), *found])
        return best[: len(best) + min(count, 0)]


class Popularity:
    """Forward-decayed purchases of each row. Not safe for threads: whoever shares it holds a lock."""

    def __init__(self) -> None:
        self._weights, self._recent = np.zeros(1024), np.zeros(1024)
        self._since, self._latest = np.full(1024, np.inf), -np.inf
        self._segments: dict[str, NDArray[np.float64]] = {}
        self._seen: Popular | None = None
        self._changed = True
        self._sorted_at = -np.inf

    def add(
        self,
        rows: NDArray[np.int64],
        weights: NDArray[np.float64],
        recent: NDArray[np.float64],
        latest: float,
    ) -> None:
        """Adds purchases to rows one after the other, as a sum kept elsewhere would.

        Forward weights of POPULARITY_HALF_LIFE and TREND_HALF_LIFE, and the time of the latest purchase.
        """
        if len(rows):
            self._fit(int(rows.max()) + 1)
            np.add.at(self._weights, rows, weights)
            np.add.at(self._recent, rows, recent)
            self._latest, self._changed = max(self._latest, latest), True

    def add_within(self, segment: str, rows: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
        """Adds purchases in one segment, which `add` takes too."""
        if len(rows) and (segment in self._segments or len(self._segments) < MOST_SEGMENTS):
            found = self._segments.get(segment, np.zeros(0))
            size = max(int(rows.max()) + 1, len(found))
            if size > len(found):
                found = np.pad(found, (0, max(size, 2 * len(found)) - len(found)))
            np.add.at(found, rows, weights)
            self._segments[segment] = found
            self._changed = True

    def first(self, rows: NDArray[np.int64], times: NDArray[np.float64]) -> None:
        """Says that rows were known of at these times."""
        if len(rows):
            self._fit(int(rows.max()) + 1)
            np.minimum.at(self._since, rows, times)
            self._changed = True

    def since(self, row: int) -> float:
        """When a row was first known of; infinite when it was not."""
        return float(self._since[row]) if row < len(self._since) else np.inf

    def now(self, size: int, clock: float, refresh: float) -> Popular:
        """The order over `size` rows. Sorted anew after a change, at most once in `refresh` seconds."""
        seen = self._seen
        stale = self._changed and clock - self._sorted_at >= refresh
        if seen is None or stale or len(seen.share) < size:
            self._fit(size)
            weights = np.maximum(self._weights[:size], 0.0)
            most = float(weights.max(initial=0.0))
            seen = Popular(
                np.argsort(-weights, kind="stable"),
                weights / most if most else weights.copy(),
                _growth(weights, np.maximum(self._recent[:size], 0.0), self._latest),
                self._since[:size].copy(),
                self._latest,
                {name: weights.copy() for name, weights in self._segments.items()},
            )
            self._seen, self._changed, self._sorted_at = seen, False, clock
        return seen

    def _fit(self, size: int) -> None:
        more = max(size, len(self._weights))
        if size > len(self._weights):
            self._weights = np.concatenate([self._weights, np.zeros(more)])
            self._recent = np.concatenate([self._recent, np.zeros(more)])
            self._since = np.concatenate([self._since, np.full(more, np.inf)])


def _growth(weights: NDArray[np.float64], recent: NDArray[np.float64], latest: float) -> NDArray[np.float64]:
    """(bought of late + PRIOR) / (expected of late from its longer share + PRIOR), of each row."""
    long = weights.sum()
    if not long:
        return np.ones(len(weights))
    now = recent * decay.since(latest, decay.TREND_HALF_LIFE)
    return np.asarray((now + PRIOR) / (weights / long * now.sum() + PRIOR))
