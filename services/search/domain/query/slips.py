"""Slips of the pen: which words of the catalogue may have been meant, and how likely each slip is.

A candidate is one edit away (two for a long word), or a space more, less or moved. A slip with one way to
happen (a letter left out, two swapped) is likelier than one of many (another letter, or one too many).
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA

from services.search.domain.query.lexicon import Lexicon

LONG: Final = 8
"""From this many letters on two edits are forgiven."""

MOST_TRIED: Final = 24
"""Candidates of a word, most likely first, that are tried with the rest of the query."""

ONE_OF_MANY: Final = math.log(26)
"""How much less likely a slip is that could have been made with any letter."""

SECOND: Final = 4.0
"""How much less likely a second slip in one word is."""

DAMPING: Final = 0.5
"""How far a word that more products have is more often searched for: products ** DAMPING."""


class Trial(NamedTuple):
    """Words, or phrases, in place of others, and how unlikely it is that they were meant, as -log."""

    words: list[str]
    cost: float


def correctable(word: str) -> bool:
    """Whether a word may have a slip that can be found: Latin letters, and not a number."""
    return len(word) > 1 and word.isascii() and not word.isdigit()


def trials(words: Sequence[str], word: str, lexicon: Lexicon) -> list[Trial]:
    """The query with each word, or two, that this one may have been meant to be, most likely first."""
    return [*_replaced(list(words), word, lexicon), *_respaced(list(words), word, lexicon)]


def slip(meant: str, typed: str) -> float:
    """How unlikely it is that the one was typed for the other, as -log; infinite for no slip."""
    edits = int(OSA.distance(meant, typed))
    digits = "".join(filter(str.isdigit, meant)) != "".join(filter(str.isdigit, typed))
    if not edits or edits > (2 if len(typed) >= LONG else 1) or digits:
        return math.inf
    swapped = sorted(meant) == sorted(typed)
    one_way = len(meant) > len(typed) or swapped or _doubled(meant, typed)
    return (0.0 if one_way else ONE_OF_MANY) + SECOND * (edits - 1)


def _doubled(meant: str, typed: str) -> bool:
    places = (place for place in range(1, len(typed)) if typed[place - 1] == typed[place])
    return any(typed[:place] + typed[place + 1 :] == meant for place in places)


def _replaced(words: list[str], word: str, lexicon: Lexicon) -> list[Trial]:
    place = words.index(word)
    found = [
        (DAMPING * math.log(like.products) - cost, like.word, cost)
        for like in lexicon.spelled_like(word)
        if (cost := slip(like.word, word)) < math.inf
    ]
    best = sorted(found, key=lambda candidate: (-candidate[0], candidate[1]))[:MOST_TRIED]
    meant = [(like, cost) for _, like, cost in best] + [(number, ONE_OF_MANY) for number in _number(word)]
    return [Trial([*words[:place], like, *words[place + 1 :]], cost) for like, cost in meant]


def _number(word: str) -> list[str]:
    """The number in which a letter slipped: "10" of "1f0"."""
    digits = "".join(filter(str.isdigit, word))
    return [digits] if 1 < len(digits) == len(word) - 1 else []


def _respaced(words: list[str], word: str, lexicon: Lexicon) -> Iterator[Trial]:
    """The query with a space more inside the word, or less or moved beside it."""
    place = words.index(word)
    for cut in range(2, len(word) - 1):
        if _known(word[:cut], lexicon) and _known(word[cut:], lexicon):
            yield Trial([*words[:place], f"{word[:cut]} {word[cut:]}", *words[place + 1 :]], 0.0)
    for start in range(max(0, place - 1), min(place + 1, len(words) - 1)):
        left, right = words[start : start + 2]
        moved = ([left + right], [left + right[0], right[1:]], [left[:-1], left[-1] + right])
        for pieces in moved:
            if all(_known(piece, lexicon) for piece in pieces):
                yield Trial([*words[:start], *pieces, *words[start + 2 :]], 0.0)


def _known(word: str, lexicon: Lexicon) -> bool:
    return bool(word) and any(like.word == word for like in lexicon.spelled_like(word))
