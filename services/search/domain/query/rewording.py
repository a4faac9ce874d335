"""A query reworded for what it finds: nothing at all, something as far as it is typed, or little."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from services.search.domain.ports import Word
from services.search.domain.query.lexicon import Lexicon
from services.search.domain.query.spelling import Correction, Count, IsWord, correct, finished, near
from services.search.domain.query.understanding import STOP_WORDS, Understanding, reread
from services.search.domain.text import words

ENOUGH: Final = 24
"""Products that have every word; with fewer, what has any of the words is found too."""

CountWords = Callable[[Sequence[Word], bool], int]
"""How many products have every one of the words; with True the last word may be unfinished."""


def reworded(query: Understanding, lexicon: Lexicon, count: CountWords, is_word: IsWord) -> Understanding:
    """The query as it is searched for, with what was changed told in it."""

    if query.language == "zh":
        return query  # signs are not misspelled letter by letter

    def having(typed: Sequence[str]) -> int:
        telling = [word for word in typed if word not in STOP_WORDS] or typed[:1]
        return count([(word,) for word in telling], False)

    found = count(query.words, False) or count(query.words, True)
    query = _completed(query, lexicon, having) if found else _corrected(query, lexicon, having, is_word)
    return query if found >= ENOUGH or query.corrections else _widened(query, lexicon, having)


def _corrected(query: Understanding, lexicon: Lexicon, count: Count, is_word: IsWord) -> Understanding:
    made, changes = correct(words(query.text), lexicon, count, is_word)
    return _told(query, made, changes, lexicon)


def _completed(query: Understanding, lexicon: Lexicon, count: Count) -> Understanding:
    typed = words(query.text)
    made = finished(typed, lexicon, count)
    changes = [Correction(*pair) for pair in zip(typed, made, strict=True) if pair[0] != pair[1]]
    return _told(query, made, changes, lexicon)


def _told(
    query: Understanding, made: Sequence[str], changes: Sequence[Correction], lexicon: Lexicon
) -> Understanding:
    if not changes:
        return query
    return replace(reread(query, " ".join(made), lexicon), corrections=tuple(changes))


def _widened(query: Understanding, lexicon: Lexicon, count: Count) -> Understanding:
    found = near(words(query.text), lexicon, count)
    if found is None:
        return query
    typed, also = found
    return replace(query, words=tuple((*word, also) if word[0] == typed else word for word in query.words))
