"""A query understood: what is left to search for, and what it says beside words.

Order matters: prices and negations leave the text first, then sizes are told from words, then words that no
product has are corrected, and only then come the synonyms of what stands there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from services.search.domain.ports import Word
from services.search.domain.query.chinese import with_chinese, with_english
from services.search.domain.query.language import UNKNOWN, language
from services.search.domain.query.lexicon import Asked, Lexicon, Named
from services.search.domain.query.negation import take_negations
from services.search.domain.query.prices import PriceRange, take_price
from services.search.domain.query.spelling import Correction
from services.search.domain.query.units import SIZE, size
from services.search.domain.request import Filter
from services.search.domain.text import key, words

LONGEST_NAME: Final = 4
"""Words of the longest brand or category that is looked for in a query."""

STOP_WORDS: Final = frozenset(("a", "an", "and", "for", "in", "my", "of", "on", "or", "the", "to", "with"))
"""Words that a product need not have, while the query has others."""

_QUESTION: Final = re.compile(
    r"^(?:how|what|which|where|when|why|who|can|does|do|is|are|should)\b|[?？]\s*$|[吗呢]\s*$", re.IGNORECASE
)
_NUMBER: Final = re.compile(r"(?=\S*\d)\S{4,}")


class Intent(Enum):
    """What a query is, as a whole."""

    PRODUCTS = 1
    BRAND = 2
    CATEGORY = 3
    PRODUCT_NUMBER = 4
    QUESTION = 5


@dataclass(frozen=True, slots=True)
class Understanding:
    """What is searched for.

    `text` is what remains of the query, corrected; `meaning` is what is embedded: the same, in English as far
    as it is known; `words` are what a product must have, each with all that counts as it; `products` are the
    ids of a product number; `attributes` are the values of attributes that it asks for. `beside` are other
    things that may have been meant; `share` is the share of each, and of the query itself, against the
    likeliest's 1; where it `stands`, what has all its words is first.
    """

    text: str
    words: tuple[Word, ...]
    meaning: str = ""
    language: str = UNKNOWN
    intent: Intent = Intent.PRODUCTS
    price: PriceRange | None = None
    without: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()
    named: tuple[Named, ...] = ()
    products: tuple[str, ...] = ()
    attributes: tuple[Asked, ...] = ()
    beside: tuple["Understanding", ...] = ()
    share: float = 1.0
    stands: bool = False

    @property
    def every_reading(self) -> tuple[Word, ...]:
        """The words, each with what stands in its place in the readings beside it."""
        alike = [other.words for other in self.beside if len(other.words) == len(self.words)]
        together = zip(self.words, *alike, strict=True)
        return tuple(tuple(dict.fromkeys(text for word in words for text in word)) for words in together)


def as_typed(text: str) -> Understanding:
    """The words and nothing else."""
    return Understanding(text, tuple((word,) for word in words(text)), text, language(text))


def understand(text: str, lexicon: Lexicon) -> Understanding:
    """What the query says by itself; its spelling is looked at later, when it finds little."""
    if _NUMBER.fullmatch(text) and (numbered := lexicon.numbered(key(text))):
        return replace(as_typed(text), intent=Intent.PRODUCT_NUMBER, products=tuple(numbered))
    rest, price = take_price(text)
    price = price and price.meant(lexicon.currency())
    rest, without = take_negations(rest)
    return reread(Understanding(rest, (), price=price, without=without), rest, lexicon)


def reread(query: Understanding, text: str, lexicon: Lexicon) -> Understanding:
    """The query with this text instead of its own."""
    named, code, meaning = names(text, lexicon), language(text), text
    if code == "zh":
        found, meaning = with_english(text)
    else:
        found = tuple(with_chinese(word, lexicon) for word in _words(text))
    return replace(
        query,
        text=text,
        words=found,
        meaning=meaning,
        language=code,
        intent=_intent(text, named),
        named=tuple(named),
    )


def narrowed(query: Understanding, filter_: Filter, lexicon: Lexicon) -> Filter:
    """The request's filter with what the query says of price and negations; the request's own price wins."""
    filter_ = replace(filter_, without=query.without)
    if query.price is None or filter_.currency:
        return filter_
    return replace(
        filter_,
        currency=query.price.currency or lexicon.currency(),
        minimum=query.price.minimum,
        maximum=query.price.maximum,
    )


def names(text: str, lexicon: Lexicon) -> list[Named]:
    """The brands and categories that the text names, longest first, none inside another."""
    typed = key(text).split()
    spans = [
        range(start, start + length)
        for length in range(min(LONGEST_NAME, len(typed)), 0, -1)
        for start in range(len(typed) - length + 1)
    ]
    keys = {span: " ".join(typed[span.start : span.stop]) for span in spans}
    known = {name.key: name for name in lexicon.named([*keys.values(), *map(_other_number, keys.values())])}
    found, taken = list[Named](), set[int]()
    for span, typed_key in keys.items():
        name = known.get(typed_key) or known.get(_other_number(typed_key))
        if name and taken.isdisjoint(span):
            found.append(name)
            taken.update(span)
    return found


def _other_number(name: str) -> str:
    """The plural of a singular and the other way: shops write "Laptops" where shoppers type "laptop"."""
    return name[:-1] if name.endswith("s") else f"{name}s"


def _intent(text: str, named: Sequence[Named]) -> Intent:
    if _QUESTION.search(text):
        return Intent.QUESTION
    if len(named) == 1 and key(text) in (named[0].key, _other_number(named[0].key)):
        return Intent.BRAND if named[0].kind == "brand" else Intent.CATEGORY
    return Intent.PRODUCTS


def _words(text: str) -> tuple[Word, ...]:
    """Each word or size, without the stop words, unless there is nothing else."""
    found, begin = list[Word](), 0
    for sized in SIZE.finditer(text):
        found += [(word,) for word in words(text[begin : sized.start()])]
        found.append(size(sized))
        begin = sized.end()
    found += [(word,) for word in words(text[begin:])]
    telling = [word for word in found if word[0] not in STOP_WORDS]
    return tuple(dict.fromkeys(telling or found))
