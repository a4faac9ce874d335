"""Chinese queries: cut into words, each with its English beside it, so that they find in either language.

jieba cuts (a Viterbi path over word frequencies); the dictionary is the house's own, some 780 words of what
shops sell (chinese.tsv). What is not in it is searched for as it stands.
"""

import logging
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Final

from services.search.domain.ports import Word
from services.search.domain.query.lexicon import Lexicon
from services.search.domain.text import words

STOP_WORDS: Final = frozenset(("的", "了", "和", "与", "及", "用", "款", "个", "一个", "我", "要", "买"))
MOST_TRANSLATIONS: Final = 3


@lru_cache(1)
def dictionary() -> Mapping[str, tuple[str, ...]]:
    """Chinese words with their English, the most usual first."""
    lines = files(__package__).joinpath("chinese.tsv").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines)
    return {chinese: tuple(english.split(", ")) for chinese, english in pairs}


@lru_cache(1)
def _reverse() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for chinese, english in dictionary().items():
        for word in english:
            found[word] = (*found.get(word, ()), chinese)
    return found


@lru_cache(1)
def _cutter() -> "jieba.Tokenizer":  # type: ignore[name-defined]  # noqa: F821
    """jieba with the dictionary's words; some 70 MB, loaded by the first text that is cut."""
    import jieba  # type: ignore[import-untyped]

    jieba.setLogLevel(logging.WARNING)
    cutter = jieba.Tokenizer()
    for word in dictionary():
        cutter.add_word(word)
    return cutter


def cut(text: str) -> list[str]:
    """The words of a text with Chinese in it, in order, without those that say nothing."""
    pieces = [part for piece in _cutter().lcut(text.casefold()) for part in _known_parts(piece)]
    found = [piece for piece in pieces if words(piece)]
    return [piece for piece in found if piece not in STOP_WORDS] or found


def _known_parts(piece: str) -> list[str]:
    """A word that the dictionary lacks as those that it has, longest first, when they are all of it."""
    parts, rest = list[str](), piece
    while rest:
        length = next((length for length in range(len(rest), 0, -1) if rest[:length] in dictionary()), 0)
        if not length:
            return [piece]
        parts.append(rest[:length])
        rest = rest[length:]
    return parts


def with_english(text: str) -> tuple[tuple[Word, ...], str]:
    """Each word of a Chinese query with its English beside it, and the query in English as far as known."""
    found, english = list[Word](), list[str]()
    for piece in cut(text):
        known = dictionary().get(piece, ())[:MOST_TRANSLATIONS]
        # "digital camera" are two words to be had, each of them in Chinese or in English.
        for part in known[0].split() if known else ("",):
            found.append(tuple(" ".join(words(each)) for each in (piece, part, *known[1:]) if each))
        english.append(known[0] if known else piece)
    return tuple(dict.fromkeys(found)), " ".join(english)


def with_chinese(word: Word, lexicon: Lexicon) -> Word:
    """An English word with its Chinese as alternatives, as far as products have those signs."""
    known = [words(chinese) for chinese in _reverse().get(word[0], ())]
    written = [" ".join(signs) for signs in known if lexicon.writes(signs)]
    return (*word, *written[:MOST_TRANSLATIONS])
