"""A product's words as Milvus keeps them: numbers to filter by, and BM25's weights as a sparse vector.

Filters are made of numbers alone, so nothing that a shopper or a merchant writes can break one. BM25 is an
inner product: a product's side saturates how often a word stands in a field, a query's side is how rare the
word is. Fields are compared with typical lengths, so that a product's weights depend on it alone.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from services.search.adapters.tantivy_index import analyser
from services.search.adapters.words_index import FIELD_WEIGHTS
from services.search.domain.text import fingerprint

MOST_TERMS: Final = 4_096
"""Words and pairs of words of a product that can be looked for: as many as an array of Milvus holds."""

TYPICAL_LENGTHS: Final = (8.0, 1.5, 6.0, 60.0, 20.0)
"""Words in each of TEXTS that count as its usual length."""

K1: Final = 1.2
B: Final = 0.75
_DIMENSIONS: Final = 2**32 - 2
_NO_WORDS: Final = {_DIMENSIONS: 1e-6}
"""Milvus keeps no empty vector; this dimension is no word's."""

_analyse = analyser().analyze


def terms(text: str) -> list[str]:
    """The stems of a text, in order: the same that tantivy makes."""
    return list(_analyse(text))


def numbers(stems: Sequence[str]) -> list[int]:
    """What a text must have in one field to have these stems side by side: each pair, or the one stem."""
    if len(stems) < 2:
        return [fingerprint(stem) for stem in stems]
    return [fingerprint(f"{first} {second}") for first, second in pairwise(stems)]


def everything(texts: Iterable[str]) -> list[int]:
    """All words and pairs of words of these texts that can be looked for, the first MOST_TERMS of them."""
    found = dict[int, None]()
    for text in texts:
        stems = terms(text)
        found |= dict.fromkeys(map(fingerprint, stems))
        found |= dict.fromkeys(numbers(stems))
    return list(found)[:MOST_TERMS]


def trait(kind: str, value: str) -> int:
    """The number of a category, brand, currency or availability."""
    return fingerprint(f"{kind}:{value}")


def dimension(stem: str) -> int:
    """The stem's place in sparse vectors; two stems rarely share one."""
    return fingerprint(stem) % _DIMENSIONS


def weights(texts: Sequence[str]) -> Mapping[int, float]:
    """The product's side of BM25, the fields (in the order of TEXTS) summed by their weights."""
    found = Counter[int]()
    for text, weight, usual in zip(texts, FIELD_WEIGHTS, TYPICAL_LENGTHS, strict=True):
        stems = Counter(terms(text))
        length = 1 - B + B * stems.total() / usual
        for stem, times in stems.items():
            found[dimension(stem)] += weight * times * (K1 + 1) / (times + K1 * length)  # type: ignore[assignment]
    return found or _NO_WORDS
