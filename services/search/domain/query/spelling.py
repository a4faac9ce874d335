"""Spelling: words that no product has become words that products have, where the plain query finds nothing.

A candidate is a word of the catalogue one edit away (two for a long word), or a space more, less or moved.
The noisy channel chooses: the more products have the whole query with it the better, and a slip with one way
to happen (a letter left out, two swapped) counts for more than one of many (another letter, or one too many).
So a query that works is never touched.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA

from services.search.domain.query.lexicon import Lexicon

LONG: Final = 8
"""From this many letters on two edits are forgiven."""

MOST_CORRECTED: Final = 3
"""Words of a query that are corrected; more unknown ones are another language, not slips."""

MOST_TRIED: Final = 8
"""Candidates of a word, most likely first, that are tried with the rest of the query."""

ONE_OF_MANY: Final = math.log(26)
"""How much less likely a slip is that could have been made with any letter."""

SECOND: Final = 4.0
"""How much less likely a second slip in one word is."""

DAMPING: Final = 0.5
"""How far a word that more products have is more often searched for: products ** DAMPING."""

ALSO: Final = 2
"""How many times as many products a word must have, slips weighed, to be searched for beside a rare one."""

Count = Callable[[Sequence[str]], int]
"""How many products have every one of these words or phrases."""

IsWord = Callable[[str], bool]
"""Whether the language has this word, as far as is known."""


class Correction(NamedTuple):
    """What was typed and what was searched for instead; either may be two words."""

    typed: str
    corrected: str


class _Try(NamedTuple):
    """Words in place of others, and how unlikely it is that they were meant."""

    words: list[str]
    cost: float


def correct(
    words: Sequence[str], lexicon: Lexicon, count: Count, is_word: IsWord
) -> tuple[list[str], list[Correction]]:
    """The words as they should be, and what was changed. For a query that no product has every word of.

    What the language has is no slip, though the shop does not sell it: "oat milk" is not "fat milk".
    """
    made, changes = list(words), list[Correction]()
    unknown = [word for word in words if _correctable(word) and not is_word(word) and not count([word])]
    if len(unknown) > MOST_CORRECTED:
        return made, changes
    for word in unknown:
        if word not in made:
            continue  # joined to the word before it
        best = _best(
            _trials(made, word, lexicon), lambda words: count([w for w in words if w not in unknown])
        )
        if best:
            changes.append(_change(made, best))
            made = best
    return made, changes


def finished(words: Sequence[str], lexicon: Lexicon, count: Count) -> list[str]:
    """The words, with the last letter that some miss: "printe" is no word, though it stems as one."""
    made = list(words)
    for place, word in enumerate(words):
        near = lexicon.spelled_like(word) if _correctable(word) else []
        more = [like for like in near if like.word[:-1] == word]
        if more and not any(like.word == word for like in near):
            best = max(more, key=lambda like: (like.products, like.word))
            made[place] = best.word
    return made if made != list(words) and count(made) else list(words)


def near(words: Sequence[str], lexicon: Lexicon, count: Count) -> tuple[str, str] | None:
    """A word, and one spelled like it with which ALSO times as many products have the query; None without.

    For a query that few products have: it may be meant as it is, so that the other is searched for beside it.
    """
    few = count(words)
    best, most = None, float(ALSO * (few + 1))
    for word in filter(_correctable, words):
        for trial in _replaced(list(words), word, lexicon):
            found = count(trial.words) * math.exp(-trial.cost)
            if found >= most:
                best, most = (word, trial.words[list(words).index(word)]), found
    return best


def _trials(words: list[str], word: str, lexicon: Lexicon) -> list[_Try]:
    return [*_replaced(words, word, lexicon), *_respaced(words, word, lexicon)]


def _best(trials: Sequence[_Try], count: Count) -> list[str]:
    """The words that most products have, slips weighed; the first of the trials when none has them all."""
    likely = {n: found for n, trial in enumerate(trials) if (found := count(trial.words))}
    if not likely:
        return trials[0].words if trials else []
    best = max(likely, key=lambda n: DAMPING * math.log(likely[n]) - trials[n].cost)
    return [part for word in trials[best].words for part in word.split()]


def _correctable(word: str) -> bool:
    return len(word) > 1 and word.isascii() and not word.isdigit()


def _replaced(words: list[str], word: str, lexicon: Lexicon) -> list[_Try]:
    """The query with each word that this may have been meant to be, most likely first."""
    place = words.index(word)
    found = [
        (DAMPING * math.log(like.products) - cost, like.word, cost)
        for like in lexicon.spelled_like(word)
        if (cost := slip(like.word, word)) < math.inf
    ]
    best = sorted(found, key=lambda candidate: (-candidate[0], candidate[1]))[:MOST_TRIED]
    return [_Try([*words[:place], like, *words[place + 1 :]], cost) for _, like, cost in best]


def slip(meant: str, typed: str) -> float:
    """How unlikely it is that the one was typed for the other, as -log; infinite for no slip."""
    edits = int(OSA.distance(meant, typed))
    digits = "".join(filter(str.isdigit, meant)) != "".join(filter(str.isdigit, typed))
    if not edits or edits > (2 if len(typed) >= LONG else 1) or digits:
        return math.inf
    swapped = sorted(meant) == sorted(typed)
    one_way = len(meant) > len(typed) or swapped or _doubled(meant, typed)
    if len(typed) == 2 and not one_way:
        return math.inf  # two letters are near to everything
    return (0.0 if one_way else ONE_OF_MANY) + SECOND * (edits - 1)


def _doubled(meant: str, typed: str) -> bool:
    places = (place for place in range(1, len(typed)) if typed[place - 1] == typed[place])
    return any(typed[:place] + typed[place + 1 :] == meant for place in places)


def _respaced(words: list[str], word: str, lexicon: Lexicon) -> Iterator[_Try]:
    """The query with a space more inside the word, or less or moved beside it."""
    place = words.index(word)
    for cut in range(2, len(word) - 1):
        if _known(word[:cut], lexicon) and _known(word[cut:], lexicon):
            yield _Try([*words[:place], f"{word[:cut]} {word[cut:]}", *words[place + 1 :]], 0.0)
    for start in range(max(0, place - 1), min(place + 1, len(words) - 1)):
        left, right = words[start : start + 2]
        moved = ([left + right], [left + right[0], right[1:]], [left[:-1], left[-1] + right])
        for pieces in moved:
            if all(_known(piece, lexicon) for piece in pieces):
                yield _Try([*words[:start], *pieces, *words[start + 2 :]], 0.0)


def _known(word: str, lexicon: Lexicon) -> bool:
    return bool(word) and any(like.word == word for like in lexicon.spelled_like(word))


def _change(before: Sequence[str], after: Sequence[str]) -> Correction:
    """What stands between the common beginning and the common end."""
    start = next(
        n for n, (old, new) in enumerate(zip([*before, ""], [*after, ""], strict=False)) if old != new
    )
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return Correction(" ".join(before[start : len(before) - end]), " ".join(after[start : len(after) - end]))
