"""What a query asks to leave out: "without sugar", "no sugar", "-sugar"; "sugar-free" is a wish, not this."""

import re
from typing import Final

from services.search.domain.text import words

_ENDS: Final = r"(?=\s+(?:for|with|under|below|over|in|from|between|but)\b|[,;.!?]|$)"
_LONG: Final = re.compile(
    rf"\b(?:without|excluding|except(?: for)?|w/o|but not)\s+(.+?){_ENDS}", re.IGNORECASE
)
# "no. 5" and "no 5" are numbers; "not only" and "no matter" exclude nothing.
_SHORT: Final = re.compile(
    r"\b(?:no|not)\s+(?!only\b|matter\b|name\b)(?:(?:any|added)\s+)?([^\W\d][\w'-]*)", re.IGNORECASE
)
_MINUS: Final = re.compile(r"(?:(?<=\s)|^)-([^\W\d]\w*)")
_CHINESE: Final = re.compile(
    r"(?:不要|不含|不带|除了)\s*([\u4e00-\u9fff]+?|[a-z]+)(?:的|(?=\W|$))", re.IGNORECASE
)
_BETWEEN: Final = re.compile(r"\s*(?:\bor\b|\band\b|\bnor\b|,|和|或)\s*", re.IGNORECASE)
_FILLERS: Final = frozenset(("any", "added", "the", "a", "an"))


def take_negations(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without its negations, and the words or phrases left out, normal, each once.

    A query that is nothing but a negation ("no sugar") asks for something all the same: it stays as it is.
    """
    rest, out = text, list[str]()
    for pattern in (_LONG, _SHORT, _MINUS, _CHINESE):
        for found in pattern.finditer(rest):
            out += [_normal(phrase) for phrase in _BETWEEN.split(found[1])]
        rest = pattern.sub(" ", rest)
    rest = " ".join(rest.split())
    left_out = tuple(dict.fromkeys(phrase for phrase in out if phrase))
    return (rest, left_out) if words(rest) and left_out else (text, ())


def _normal(phrase: str) -> str:
    return " ".join(word for word in words(phrase) if word not in _FILLERS)


def says_without(word: str) -> tuple[str, ...]:
    """How a product says that it is without the word, though it has it: "sugar free", "no sugar"."""
    return (
        f"{word} free",
        f"free of {word}",
        f"free from {word}",
        f"no {word}",
        f"no added {word}",
        f"zero {word}",
        f"0 {word}",
        f"without {word}",
        f"without added {word}",
    )
