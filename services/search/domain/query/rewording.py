"""A query reworded for what it finds: nothing at all, something as far as it is typed, or little."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from services.search.domain.ports import Word
from services.search.domain.query.lexicon import Lexicon
from services.search.domain.query.spelling import (
    LEAST_SHARE,
    Reading,
    Sense,
    beside,
    changed,
    corrected,
    unknown,
)
from services.search.domain.query.understanding import STOP_WORDS, Understanding, reread
from services.search.domain.text import words

ENOUGH: Final = 24
"""Products that have every word; with fewer, what has any of the words is found too."""

DULL: Final = 0.3
"""The nearness below which a word alone says nothing that the shop sells: "an", "or", "not" lie below."""

CountWords = Callable[[Sequence[Word], bool], int]
"""How many products have every one of the words; with True the last word may be unfinished."""


def reworded(query: Understanding, lexicon: Lexicon, count: CountWords, sense: Sense) -> Understanding:
    """The query as it is searched for, with what was changed told in it."""
    if query.language == "zh":
        return query  # signs are not misspelled letter by letter
    typed = words(query.text)

    def having(meant: Sequence[str]) -> int:
        if any(word in STOP_WORDS and word not in typed for word in meant):
            return 0  # nobody means a word that says nothing
        telling = [word for word in meant if word not in STOP_WORDS] or meant[:1]
        return count([(word,) for word in telling], False)

    found = count(query.words, False)
    slipped = [] if found or count(query.words, True) else unknown(typed, having, sense)
    if slipped:
        first, *others = corrected(typed, slipped, lexicon, having, sense)
        return _read(query, first, others, lexicon)
    written = _written(typed, lexicon, sense)
    dull = len(typed) == 1 and sense.nearness is not None and sense.of(typed) < DULL
    if found >= ENOUGH and written and not dull:
        return query
    itself, others = beside(typed, found, lexicon, having, sense)
    if written or not others:
        return replace(_read(query, itself, others, lexicon), stands=bool(found))
    first, *others = others
    return _read(query, first, [*others, itself] if itself.share >= LEAST_SHARE else others, lexicon)


def _written(typed: Sequence[str], lexicon: Lexicon, sense: Sense) -> bool:
    """Whether each word is one as it stands: "gmaing" is none, though it has the stem of "GMA"."""
    letters = [word for word in typed if word.isalpha() and not sense.is_word(word)]
    return lexicon.writes(letters) or all(
        any(like.word == word for like in lexicon.spelled_like(word)) for word in letters
    )


def _read(query: Understanding, first: Reading, others: Sequence[Reading], lexicon: Lexicon) -> Understanding:
    """The query as one reading, told as corrected where it is not as typed, with others beside it."""

    def read(reading: Reading) -> Understanding:
        meant = words(query.text) != reading.words
        told = reread(query, " ".join(reading.words), lexicon) if meant else query
        return replace(told, share=reading.share)

    changes = tuple(changed(words(query.text), first.words))
    return replace(read(first), corrections=changes, beside=tuple(map(read, others)))
