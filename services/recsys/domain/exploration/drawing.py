"""Draws some positions of an answer from near candidates, within what the shop allows."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from services.recsys.domain.exploration.policy import Policy
from services.recsys.domain.exploration.slots import Drawn, Floats, Slot, features
from services.recsys.domain.placements import Placement
from services.recsys.domain.slate import Ranked, Slate

STRIDE = 3
"""Every third position explores, the first never: 3, 6, 9 ..."""

PLACEMENTS = frozenset((Placement.HOME, Placement.CART))
"""Those whose products stand in no other section of their page: an impression belongs to one slate."""

_WHOLE = 2**64


@dataclass(frozen=True, slots=True)
class Guard:
    """What the shop allows: the share of its shoppers (0 switches all off), how many positions of an answer,
    and the least score of a candidate, over the answer's best.
    """

    share: float
    positions: int
    floor: float

    def lets(self, placement: Placement, shopper: Sequence[str]) -> bool:
        """Whether this shopper's answers explore; the same for all their requests. Unknown shoppers never."""
        return (
            placement in PLACEMENTS and bool(shopper) and number_of("share", shopper[0]) < self.share * _WHOLE
        )


def number_of(*words: str) -> int:
    """A number below 2**64 for words: evenly spread, the same everywhere and always."""
    return int.from_bytes(blake2b("\0".join(words).encode(), digest_size=8).digest(), "big")


def draw(ranked: Ranked, count: int, guard: Guard, policy: Policy, seed: int) -> tuple[Slate, Sequence[Slot]]:
    """The best `count`, some positions of them drawn, and those positions' candidates and chances.

    Pure: the same arguments give the same slate, so a retry or a hedge of a request does too.
    """
    rows, scores = ranked.rows[:count].copy(), ranked.scores[:count].copy()
    propensities = np.ones(len(rows))
    random, slots = np.random.default_rng(seed), []
    for places in pools(ranked.scores, count, guard):
        products = [ranked.ids[place] for place in places]
        about = features(ranked.scores[places], places + 1, float(ranked.scores[0]))
        chances = policy.chances(products, about, random)
        chosen = min(int(np.searchsorted(np.cumsum(chances), random.random())), len(places) - 1)
        at = int(places[0])
        rows[at], scores[at] = ranked.rows[places[chosen]], ranked.scores[places[chosen]]
        propensities[at] = chances[chosen]
        slots.append(Slot(at + 1, products, about, chances, chosen))
    return Slate(rows, scores, propensities), slots


def pools(scores: Floats, count: int, guard: Guard) -> list[NDArray[np.int64]]:
    """The places in the ranking that compete for each exploring position, its own first; no two share one.

    What stands behind the answer is dealt out in turn, if its score passes the floor. A position whose own
    product does not pass it, or that nobody competes for, does not explore.
    """
    shown = min(count, len(scores))
    if not shown or not scores[0] > 0:
        return []
    good = scores >= guard.floor * scores[0]
    own = [at for at in range(STRIDE - 1, shown, STRIDE) if good[at]][: guard.positions]
    spare = shown + np.flatnonzero(good[shown:])
    dealt = (np.append(at, spare[turn :: len(own)]) for turn, at in enumerate(own))
    return [pool for pool in dealt if len(pool) > 1]


class Drawing:
    """The Draw of one request; `drawn` has what it drew, once it is done."""

    def __init__(self, guard: Guard, policy: Policy, start: Drawn, seed: int) -> None:
        self.drawn = start
        self._guard, self._policy, self._seed = guard, policy, seed

    def __call__(self, ranked: Ranked, count: int) -> Slate:
        """See Draw."""
        slate, slots = draw(ranked, count, self._guard, self._policy, self._seed)
        self.drawn = self.drawn._replace(slots=slots)
        return slate


class Explorer:
    """Decides whether a request explores, draws by the latest policy, and has what was drawn kept."""

    def __init__(
        self, guard: Guard, policy: Policy, keep: Callable[[Drawn], None], clock: Callable[[], float]
    ) -> None:
        if not (0 <= guard.share <= 1 and 0 <= guard.floor <= 1 and guard.positions >= 0):
            raise ValueError("the share and the floor lie between 0 and 1, and positions are not negative")
        self._guard, self._keep, self._clock = guard, keep, clock
        self._policy, self._version = policy, "untaught"

    def use(self, policy: Policy, version: str) -> None:
        """Draws by this policy from now on."""
        self._policy, self._version = policy, version

    def drawing(self, placement: Placement, shopper: Sequence[str], request_id: str) -> Drawing | None:
        """The Draw for a request, None when it does not explore. Its chance comes from the request's id."""
        if not request_id or not self._guard.lets(placement, shopper):
            return None
        start = Drawn(request_id, shopper[0], math.floor(self._clock()), self._version, ())
        return Drawing(self._guard, self._policy, start, number_of("draw", request_id, placement.name))

    def keep(self, drawing: Drawing | None) -> None:
        """Has what a request drew kept, if it drew anything."""
        if drawing is not None and drawing.drawn.slots:
            self._keep(drawing.drawn)
