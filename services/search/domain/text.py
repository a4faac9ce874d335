"""What counts as a word, in products and in queries alike."""

import re
import unicodedata
from hashlib import blake2b
from typing import Final

MAX_WORDS: Final = 32
"""Words of a query that are looked for; what follows adds time and no meaning."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_WORD: Final = re.compile(r"\w+")
# Scripts that put no spaces between words: each sign is a word, so that a part of a name finds it.
_UNSPACED: Final = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f])")


def clean(text: str) -> str:
    """The text on one line, without control characters or halves of surrogate pairs."""
    return " ".join(_CONTROL.sub(" ", text).split())


def spread(text: str) -> str:
    """The text as the lexical index reads it: clean, with spaces around signs of unspaced scripts."""
    return clean(_UNSPACED.sub(r" \1 ", text))


def words(query: str) -> list[str]:
    """The first MAX_WORDS distinct words of a query, in order; none when it has only signs and emoji."""
    return every_word(query)[:MAX_WORDS]


def every_word(text: str) -> list[str]:
    """The distinct words of a text, in order."""
    found = _WORD.findall(spread(unicodedata.normalize("NFKC", text)).replace("_", " ").casefold())
    return list(dict.fromkeys(found))


def key(text: str) -> str:
    """What two spellings of one query have in common: NFKC, lower case, single spaces."""
    return clean(unicodedata.normalize("NFKC", text)).casefold()


def fingerprint(text: str) -> int:
    """A 63-bit number for a text, the same in every process; two texts meet once in 10^18 pairs."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
