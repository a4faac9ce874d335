"""What all sources of a mix give, side by side."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain import reasons
from services.recsys.domain.context import Context
from services.recsys.domain.placements import Source
from services.recsys.domain.reasons import Reason
from services.recsys.domain.shop import Shop
from services.recsys.domain.sources import SOURCES
from services.recsys.domain.sources.candidates import Candidates, Named


@dataclass(frozen=True)
class Blend:
    """What a mix's sources gave: given[i, j] is what source j adds to rows[i], which rise.

    at[i, j] is the place of rows[i] among the candidates of source j, -1 when it is not one of them.
    """

    sources: Sequence[Source]
    found: Sequence[Candidates]
    rows: NDArray[np.int64]
    given: NDArray[np.float64]
    at: NDArray[np.int64]

    def total(self) -> NDArray[np.float64]:
        """The sum of what all sources give each row."""
        return np.asarray(self.given.sum(axis=1))

    def reason(self, row: int, named: Named) -> Reason:
        """That of the source which gave the row most; what no source gave, the shop wanted shown.

        `named`: what the answer's reasons above it name; this one's are counted in it.
        """
        place = int(np.searchsorted(self.rows, row))
        if place == len(self.rows) or self.rows[place] != row:
            return reasons.PROMOTED
        most = int(np.argmax(self.given[place]))
        return self.found[most].why(int(self.at[place, most]), named)


FILLS = 0.01
"""A source that weighs no more only fills up behind the others: it is not asked where they give enough."""


def gather(shop: Shop, on: Context, parts: Mapping[Source, float], enough: float = math.inf) -> Blend:
    """Asks the sources that weigh something; a source's best candidate gets its weight, the others less."""
    found: dict[Source, Candidates] = {}
    for source in sorted(parts, key=lambda source: -parts[source]):
        most = max((len(candidates.rows) for candidates in found.values()), default=0)
        if parts[source] > FILLS or (parts[source] > 0 and most < enough):
            candidates = SOURCES[source](shop, on)
            if len(candidates.rows):
                found[source] = candidates
    named = np.zeros(len(on.allowed), bool)
    for candidates in found.values():
        named[candidates.rows] = True
    rows = np.flatnonzero(named)
    given = np.zeros((len(rows), len(found)))
    at = np.full(given.shape, -1, np.int64)
    for column, (source, candidates) in enumerate(found.items()):
        places = np.searchsorted(rows, candidates.rows)
        given[places, column] = candidates.scores * (parts[source] / candidates.scores.max())
        at[places, column] = np.arange(len(places))
    return Blend(list(found), list(found.values()), rows, given, at)
