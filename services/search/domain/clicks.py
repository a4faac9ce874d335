"""Lists that searches were answered with, what shoppers took of them, and what an order of them is worth."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

DEEPEST: Final = 50
"""Positions further back count as this one."""

WINDOW: Final = 24 * 3600.0
"""Seconds after which what a shopper does is no longer a response to what was shown."""

SKEW: Final = 300.0
"""Seconds by which a response may seem to come before its list: clocks of two devices."""

MOST_WEIGHT: Final = 10.0
"""One response at a position that hardly anybody looks at weighs at most so much."""


class Listed(NamedTuple):
    """An answer as it was seen: positions from 1, and how each product sold when it was shown, 0 to 1."""

    request_id: str
    query: str
    time: float
    products: Sequence[str]
    positions: NDArray[np.int64]
    popularity: NDArray[np.float64]


class Done(NamedTuple):
    """A product that was clicked (1), put into the cart (2) or ordered (3), by the token of an answer."""

    request_id: str
    product: str
    time: float
    wanted: int


class Shown(NamedTuple):
    """A list with how much each of its products was wanted, 0 for not at all."""

    listed: Listed
    wanted: NDArray[np.int32]


class Ranked(NamedTuple):
    """What is known again of a list: its rows of learning.NAMES, and the score that it would have now."""

    query: str
    features: NDArray[np.float32]
    base: NDArray[np.float64]
    positions: NDArray[np.int64]
    wanted: NDArray[np.int32]


def join(lists: Iterable[Listed], done: Iterable[Done]) -> list[Shown]:
    """Each list once, in order of time, with the most that was done with each product in its name."""
    responses: defaultdict[tuple[str, str], list[Done]] = defaultdict(list)
    for one in done:
        responses[one.request_id, one.product].append(one)
    found: dict[str, Shown] = {}
    for listed in sorted(lists, key=lambda one: (one.time, one.request_id)):
        if listed.request_id not in found:
            wanted = [_most(responses[listed.request_id, name], listed.time) for name in listed.products]
            found[listed.request_id] = Shown(listed, np.array(wanted, np.int32))
    return list(found.values())


def _most(responses: Sequence[Done], shown: float) -> int:
    timely = (one.wanted for one in responses if shown - SKEW <= one.time <= shown + WINDOW)
    return max(timely, default=0)


def worth(
    lists: Sequence[Ranked], scores: Sequence[NDArray[np.float64]], examined: NDArray[np.float64]
) -> Mapping[str, float]:
    """For each query the mean 1 / log2(1 + rank) of what was wanted of its lists, ordered by the scores.

    Each response counts its wish over examined(position), (DEEPEST,): what was taken from where few look
    tells for all who did not look (Joachims et al. 2017).
    """
    above: defaultdict[str, float] = defaultdict(float)
    below: defaultdict[str, float] = defaultdict(float)
    for one, score in zip(lists, scores, strict=True):
        rank = np.empty(len(score))
        rank[np.argsort(-score, kind="stable")] = np.arange(1, len(score) + 1)
        weight = one.wanted * np.minimum(1 / examined[one.positions - 1], MOST_WEIGHT)
        above[one.query] += float(weight @ (1 / np.log2(1 + rank)))
        below[one.query] += float(weight.sum())
    return {query: above[query] / total for query, total in below.items() if total}
