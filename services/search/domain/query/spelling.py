"""Spelling: words that no product has become words that products have, where the plain query finds nothing.

A candidate is a word of the catalogue one edit away (two for a long word): a letter more, less or other, two
neighbours swapped, or a space too few or too many. The one is taken with which most products have the whole
query. So a query that works is never touched.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA

from services.search.domain.query.lexicon import Lexicon

SHORTEST: Final = 3
"""Letters of the shortest word that is corrected; shorter ones are near to everything."""

LONG: Final = 8
"""From this many letters on two edits are forgiven."""

MOST_CORRECTED: Final = 3
"""Words of a query that are corrected; more unknown ones are another language, not slips."""

MOST_TRIED: Final = 8
"""Candidates of a word, most used first, that are tried with the rest of the query."""

Count = Callable[[Sequence[str]], int]
"""How many products have every one of these words."""


class Correction(NamedTuple):
    """What was typed and what was searched for instead; either may be two words."""

    typed: str
    corrected: str


def correct(words: Sequence[str], lexicon: Lexicon, count: Count) -> tuple[list[str], list[Correction]]:
    """The words as they should be, and what was changed. For a query that no product has every word of."""
    made, changes = list(words), list[Correction]()
    unknown = [word for word in words if _correctable(word) and not count([word])]
    for word in unknown if len(unknown) <= MOST_CORRECTED else ():
        if word not in made:
            continue  # joined to the word before it
        tried = [made]
        tried += [_with(made, word, better) for better in _candidates(word, lexicon)]
        tried += list(_joined(made, word, lexicon))
        best = max(tried, key=lambda words: count(words))
        if best is tried[0] and len(tried) > 1:
            best = tried[1]  # nothing has all of it either way: the most usual word serves best
        if best is not made:
            changes.append(_change(made, best))
            made = best
    return made, changes


def _correctable(word: str) -> bool:
    return len(word) >= SHORTEST and word.isascii() and word.isalpha()


def _candidates(word: str, lexicon: Lexicon) -> list[list[str]]:
    """Words, or pairs, that it may have been meant to be, most usual first."""
    allowed = 2 if len(word) >= LONG else 1
    near = [
        (OSA.distance(word, like.word), -like.products, like.word)
        for like in lexicon.spelled_like(word)
        if like.word != word
    ]
    found = [[like] for distance, _, like in sorted(near) if distance <= allowed]
    return (found + _split(word, lexicon))[:MOST_TRIED]


def _split(word: str, lexicon: Lexicon) -> list[list[str]]:
    pairs = [(word[:cut], word[cut:]) for cut in range(SHORTEST, len(word) - SHORTEST + 1)]
    known = [(*pair, min(_used(part, lexicon) for part in pair)) for pair in pairs]
    return [[left, right] for left, right, used in sorted(known, key=lambda k: -k[2]) if used]


def _used(word: str, lexicon: Lexicon) -> int:
    return next((like.products for like in lexicon.spelled_like(word) if like.word == word), 0)


def _joined(words: Sequence[str], word: str, lexicon: Lexicon) -> Iterator[list[str]]:
    place = list(words).index(word)
    for start in (place - 1, place):
        if 0 <= start < len(words) - 1:
            joined = words[start] + words[start + 1]
            if _used(joined, lexicon):
                yield [*words[:start], joined, *words[start + 2 :]]


def _with(words: Sequence[str], word: str, better: Sequence[str]) -> list[str]:
    place = list(words).index(word)
    return [*words[:place], *better, *words[place + 1 :]]


def _change(before: Sequence[str], after: Sequence[str]) -> Correction:
    """What stands between the common beginning and the common end."""
    start = next(
        n for n, (old, new) in enumerate(zip([*before, ""], [*after, ""], strict=False)) if old != new
    )
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return Correction(" ".join(before[start : len(before) - end]), " ".join(after[start : len(after) - end]))
