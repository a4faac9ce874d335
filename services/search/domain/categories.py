"""What clicks after a query tell of its categories, drawn towards what its answer tells.

Of n clicks, those in a category are binomial; its chance has a Beta prior whose mean is the category's share
of the answer's votes, and which is worth `strength` clicks. The posterior's mean is

    (clicks in it + strength x share) / (n + strength)

so a query without clicks keeps what its answer tells. The strength is empirical Bayes: the one under which
the clicks of all queries are likeliest (beta-binomial; Efron & Hastie 2016, chapter 6).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import betaln

from services.search.domain.related import Shares

RANGE: Final = (0.5, 1_000.0)
"""Between which the strength is looked for."""

_CERTAIN: Final = 0.01
"""No share of an answer is taken to be nearer to 0 or 1: else one click against it would be impossible."""


class Clicks(NamedTuple):
    """The clicks after one query, and of each path those in it; weighted, so not whole numbers."""

    total: float
    by_path: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Learnt:
    """What clicks taught: `queries` are in normal spelling."""

    strength: float
    queries: Mapping[str, Clicks]

    def shares(self, query: str, votes: Shares) -> Shares:
        """The shares of the answer's votes, moved by the clicks after the query."""
        clicks = self.queries.get(query)
        if clicks is None:
            return votes
        return {
            path: (clicks.by_path.get(path, 0.0) + self.strength * votes.get(path, 0.0))
            / (clicks.total + self.strength)
            for path in votes.keys() | clicks.by_path.keys()
        }


def strength_of(cases: Sequence[tuple[Clicks, Shares]]) -> float:
    """How many clicks an answer's shares are worth, by the clicks and shares of many queries."""
    rows = [
        (clicks.by_path.get(path, 0.0), clicks.total, votes.get(path, 0.0))
        for clicks, votes in cases
        for path in votes.keys() | clicks.by_path.keys()
    ]
    inside, total, share = np.array(rows, np.float64).reshape(-1, 3).T
    share = np.clip(share, _CERTAIN, 1 - _CERTAIN)
    outside = np.maximum(total - inside, 0.0)

    def unlikely(log_strength: float) -> float:
        a, b = np.exp(log_strength) * share, np.exp(log_strength) * (1 - share)
        return -float(np.sum(betaln(a + inside, b + outside) - betaln(a, b)))

    best = minimize_scalar(unlikely, bounds=tuple(np.log(RANGE)), method="bounded")
    return float(np.exp(best.x))
