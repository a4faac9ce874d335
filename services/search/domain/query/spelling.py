"""Spelling: what a query was meant to say, where it is not what products have.

The noisy channel weighs every reading: how many products have all of its words, how likely the slip is, and
how near its meaning lies to what the shop sells: "laser printel" is a printer, though more products say
"printed". Readings nearly as likely are searched beside the first, each with a share of the answer.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from services.search.domain.query.lexicon import Lexicon
from services.search.domain.query.slips import DAMPING, Trial, correctable, trials

MOST_CORRECTED: Final = 3
"""Words of a query that are corrected; more unknown ones are another language, not slips."""

WEIGHED: Final = 10
"""Readings, most likely by products and slips, whose meaning is looked at."""

MEANING: Final = 20.0
"""What a cosine of 1 adds to the logarithm of a reading's likelihood."""

SHARPNESS: Final = 0.7
"""A reading's share is its likelihood to this power; below 1, for the formula is surer than it should be."""

MOST_READINGS: Final = 8
LEAST_SHARE: Final = 0.02
"""Of the likeliest reading's share; readings with less are left out."""

AS_TYPED: Final = 1.0
"""What is added to the logarithm of the likelihood of what was typed, where products have all of it."""

NONE: Final = 0.1
"""Products that a query without any counts as having."""

Count = Callable[[Sequence[str]], int]
"""How many products have every one of these words or phrases."""


@dataclass(frozen=True, slots=True)
class Sense:
    """What a model of the language knows; by default nothing."""

    is_word: Callable[[str], bool] = lambda _: False
    """Whether the language has this word, as far as is known."""

    nearness: Callable[[str], float] | None = None
    """How near a text's meaning lies to what the shop sells, as a cosine."""

    def of(self, words: Sequence[str]) -> float:
        """The nearness of a query, 0 where nothing is known."""
        return self.nearness(" ".join(words)) if self.nearness else 0.0


class Correction(NamedTuple):
    """What was typed and what was searched for instead; either may be two words."""

    typed: str
    corrected: str


class Reading(NamedTuple):
    """A query as it may have been meant, and its share; that of the likeliest is 1."""

    words: list[str]
    share: float = 1.0


class _Weighed(NamedTuple):
    likelihood: float
    words: list[str]


def unknown(words: Sequence[str], count: Count, sense: Sense) -> list[str]:
    """Words that neither products nor the language have."""
    return [word for word in words if correctable(word) and not sense.is_word(word) and not count([word])]


def corrected(
    words: Sequence[str], slipped: Sequence[str], lexicon: Lexicon, count: Count, sense: Sense
) -> list[Reading]:
    """The query with unknown words as they may have been meant, likeliest first; as typed if nothing is near.

    What the language has is no slip, though the shop does not sell it: "oat milk" is not "fat milk".
    """
    found = [Reading(list(words))]
    for word in slipped if len(slipped) <= MOST_CORRECTED else ():
        made = found[0].words
        if word not in made:
            continue  # joined to the word before it
        tried = trials(made, word, lexicon)
        if likely := _weighed(tried, lambda words: count([w for w in words if w not in slipped]), sense):
            found = _shared(likely)
        elif tried:
            found = [Reading(_parts(tried[0].words))]
    return found


def beside(
    words: Sequence[str], having: int, lexicon: Lexicon, count: Count, sense: Sense
) -> tuple[Reading, list[Reading]]:
    """The query as it is, which `having` products have, and the readings that are likelier, best first."""
    tried = [trial for word in filter(correctable, words) for trial in trials(words, word, lexicon)]
    other = [trial for trial in tried if _singular(trial.words) != _singular(words)]
    typed = DAMPING * math.log(having or NONE) + AS_TYPED * bool(having) + MEANING * sense.of(words)
    likely = [read for read in _weighed(other, count, sense) if read.likelihood > typed]
    best = likely[0].likelihood if likely else typed
    return Reading(list(words), _share(typed, best)), _shared(likely)


def changed(before: Sequence[str], after: Sequence[str]) -> list[Correction]:
    """Word for word what was changed; as one what stands between the common beginning and the common end."""
    if len(before) == len(after):
        return [Correction(*pair) for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    start = next(
        n for n, (old, new) in enumerate(zip([*before, ""], [*after, ""], strict=False)) if old != new
    )
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    return [Correction(" ".join(old), " ".join(new))]


def _weighed(tried: Sequence[Trial], count: Count, sense: Sense) -> list[_Weighed]:
    """Those of the trials that products have, likeliest first."""
    had = [(trial, having) for trial in tried if (having := count(trial.words))]
    likely = [(DAMPING * math.log(having) - trial.cost, _parts(trial.words)) for trial, having in had]
    first = sorted(likely, key=lambda one: (-one[0], one[1]))[:WEIGHED]
    found = [_Weighed(likelihood + MEANING * sense.of(words), words) for likelihood, words in first]
    return sorted(found, key=lambda read: (-read.likelihood, read.words))


def _shared(likely: Sequence[_Weighed]) -> list[Reading]:
    """Each with its share, likeliest first; without those that are left with next to nothing."""
    shares = [Reading(read.words, _share(read.likelihood, likely[0].likelihood)) for read in likely]
    return [read for read in shares[:MOST_READINGS] if read.share >= LEAST_SHARE]


def _share(likelihood: float, best: float) -> float:
    return math.exp(SHARPNESS * (likelihood - best))


def _singular(words: Sequence[str]) -> list[str]:
    return [word.removesuffix("s") for word in words]


def _parts(words: Sequence[str]) -> list[str]:
    return [part for word in words for part in word.split()]
