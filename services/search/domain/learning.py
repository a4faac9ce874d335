"""What a ranker learns from and is asked with: the same features of a match in training and in serving."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from services.search.domain.fusion import Match
from services.search.domain.query.understanding import Understanding
from services.search.domain.signals import Known, signals_of
from services.search.domain.text import every_word, key

NAMES: Final = (
    "words",
    "every word",
    "phrase",
    "meaning",
    "title",
    "brand",
    "category",
    "price",
    "popularity",
    "margin",
    "availability",
    "freshness",
)
"""The parts of the score; the share of the query's words in the title; whether the query names the product's
brand or category; the logarithm of its price over the answer's usual one; the signals."""


class Ranker(Protocol):
    """Any thread may ask it."""

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """What to add to the score of each row of NAMES."""
        ...


def usual_price(known: Mapping[int, Known]) -> float:
    """The median price of an answer in micros; 0 when nothing in it has one."""
    prices = [each.micros for each in known.values() if each.micros]
    return float(median(prices)) if prices else 0.0


def features(
    matches: Sequence[Match], known: Mapping[int, Known], query: Understanding, usual: float, now: float
) -> NDArray[np.float32]:
    """One row a match (n, NAMES); `usual` is the answer's usual price in micros, `now` in seconds."""
    typed = {word[0] for word in query.words}
    named = {kind: {name.key for name in query.named if name.kind == kind} for kind in ("brand", "category")}
    rows = np.zeros((len(matches), len(NAMES)), np.float32)
    for row, match in zip(rows, matches, strict=True):
        row[:4] = match.parts[:4]
        if about := known.get(match.candidate.document):
            levels = {key(level) for path in about.categories for level in path.split(">")}
            row[4:8] = (
                len(typed.intersection(every_word(about.title))) / max(1, len(typed)),
                about.brand in named["brand"],
                not levels.isdisjoint(named["category"]),
                np.log(about.micros / usual) if about.micros and usual else 0.0,
            )
            signals = signals_of(about, now)
            row[8:] = [signals[name] for name in NAMES[8:]]
    return rows


def corrected(matches: Sequence[Match], table: NDArray[np.float32], ranker: Ranker) -> list[Match]:
    """The matches with what was learnt added; the least of it is 0, for only differences are learnt."""
    added = ranker.score(table)
    return [
        match.plus(learnt=float(one))
        for match, one in zip(matches, added - added.min(initial=np.inf), strict=True)
    ]
