"""What an unfinished query was meant to begin with, when nothing of the catalogue begins with it as typed.

Finished words are mended as in a search: from the catalogue's words one slip away. Of the last word only an
opening is there, so every opening one edit away is tried; its first letter counts as right, unless the first
two are swapped. Likelihood is that of spelling: a common word, and a slip with one way to happen, first.
Where no such opening leads anywhere, any two neighbours of the whole may be swapped, a space or digits too.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from string import ascii_lowercase
from typing import Final

from services.search.domain.query.lexicon import Lexicon
from services.search.domain.query.slips import DAMPING, slip
from services.search.domain.text import clean

SHORTEST: Final = 3
"""Letters of an opening that may have a slip; a shorter one is near to everything."""

LONGEST: Final = 12
"""Letters of an opening that may have a slip; each costs some fifty look-ups."""

MOST_TRIED: Final = 4
"""Openings, most likely first, that are tried."""

MOST_SWAPPED: Final = 32
"""Places, from the first on, where two characters may be swapped."""

Beginnings = Callable[[Sequence[str]], Mapping[str, int]]
"""Those of some openings that something begins with, each with how common that is."""


def openings(typed: str, lexicon: Lexicon, beginnings: Beginnings) -> list[str]:
    """What may have been meant, most likely first; none when every word is one, or the start of one."""
    *whole, last = typed.split() or [""]
    mended = [_mended(word, lexicon) for word in whole]
    if beginnings([last]):
        return [" ".join([*mended, last])] if mended != whole else []
    return [" ".join([*mended, opening]) for opening in _likeliest(last, beginnings(list(_edits(last))))]


def swapped(typed: str, begun: Beginnings) -> list[str]:
    """The openings that are this one with two neighbouring characters swapped, the commonest first.

    A space at its end counts; `begun` tells how many names and titles begin with each opening.
    """
    places = range(min(len(typed) - 1, MOST_SWAPPED))
    tries = {clean(typed[:at] + typed[at + 1] + typed[at] + typed[at + 2 :]) for at in places}
    found = begun(sorted(tries - {clean(typed), ""}))
    return sorted(found, key=lambda opening: (-found[opening], opening))


def _mended(word: str, lexicon: Lexicon) -> str:
    near = lexicon.spelled_like(word)
    if any(like.word == word for like in near):
        return word
    return next(iter(_likeliest(word, {like.word: like.products for like in near})), word)


def _likeliest(typed: str, products: Mapping[str, int]) -> list[str]:
    scores = {meant: DAMPING * math.log(count) - slip(meant, typed) for meant, count in products.items()}
    likely = sorted((meant for meant in scores if scores[meant] > -math.inf), key=lambda m: (-scores[m], m))
    return likely[:MOST_TRIED]


def _edits(opening: str) -> Iterator[str]:
    """Openings one edit away; none where the opening is too short, too long, or no Latin word."""
    if not (SHORTEST <= len(opening) <= LONGEST and opening.isascii() and opening.isalpha()):
        return
    for place in range(len(opening)):
        before, letter, after = opening[:place], opening[place], opening[place + 1 :]
        if after:
            yield before + after[0] + letter + after[1:]
        if place and after:
            yield before + after
        if place:
            yield from (before + other + after for other in ascii_lowercase if other != letter)
            yield from (before + other + letter + after for other in ascii_lowercase)
