"""One order out of two: the words' and the meaning's.

The score of a product is bm25 / best bm25 + WHOLE (when it has every word) + PHRASE (when its description
says the query as it stands) + MEANING * cosine. The numbers were chosen by five-fold cross-validation on
judged queries, see docs/search-quality.md.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from services.search.domain.ports import Candidate

WHOLE: Final = 2.0
PHRASE: Final = 0.6
MEANING: Final = 10.0

ASKED: Final = 0.5
"""What a product has more that has a value which the query asks for by the attribute's name, "size 42"."""


class Parts(NamedTuple):
    """What adds up to a score."""

    words: float = 0.0
    every_word: float = 0.0
    phrase: float = 0.0
    meaning: float = 0.0
    popularity: float = 0.0
    margin: float = 0.0
    availability: float = 0.0
    freshness: float = 0.0
    learnt: float = 0.0
    variety: float = 0.0
    boost: float = 0.0
    reading: float = 0.0
    attributes: float = 0.0


UNSCORED: Final = Parts()
_NO_OTHERS: Final = UNSCORED[4:]
_PLACES: Final = {name: place for place, name in enumerate(Parts._fields)}


class Match(NamedTuple):
    """A product found; ranks from 1, 0 when it is not in that list. `said`: what else it is found for."""

    candidate: Candidate
    score: float
    lexical_rank: int = 0
    dense_rank: int = 0
    parts: Parts = UNSCORED
    said: str = ""

    @property
    def whole(self) -> bool:
        """Whether it has every word."""
        return self.parts.every_word > 0

    def plus(self, **more: float) -> "Match":
        """With more of these parts, and so of score."""
        if not any(more.values()):
            return self
        candidate, score, lexical_rank, dense_rank, before, said = self
        parts = list(before)
        for name, much in more.items():
            parts[_PLACES[name]] += much
        score += sum(more.values())
        return Match(candidate, score, lexical_rank, dense_rank, Parts._make(parts), said)


def fuse(
    lexical: Sequence[Candidate],
    whole: set[int],
    phrase: set[int],
    dense: Sequence[Candidate],
    cosines: Mapping[int, float],
) -> list[Match]:
    """All products of either list, each once, in no order.

    `whole` holds the documents with every word, `phrase` those whose description says the query; `cosines`
    are of each text key that has a vector. A product whose text has none yet counts as if it meant what the
    others do on average.
    """
    words = sorted(lexical, key=lambda c: (c.document not in whole, -c.score, c.product_id))
    near = sorted(dense, key=lambda c: (-cosines[c.text_key], c.product_id))
    lexical_rank = {candidate.document: rank for rank, candidate in enumerate(words, 1)}
    dense_rank = {candidate.document: rank for rank, candidate in enumerate(near, 1)}
    scores = {candidate.document: candidate.score for candidate in words}
    best = max(scores.values(), default=0.0) or 1.0
    known = [cosines[c.text_key] for c in words if c.text_key in cosines]
    usual = sum(known) / len(known) if known else 0.0
    both = {candidate.document: candidate for candidate in (*near, *words)}
    found = []
    for document, candidate in both.items():
        bm25 = scores.get(document, 0.0) / best
        every = WHOLE if document in whole else 0.0
        said = PHRASE if document in phrase else 0.0
        near_by = MEANING * cosines.get(candidate.text_key, usual)
        parts = Parts._make((bm25, every, said, near_by, *_NO_OTHERS))
        ranks = lexical_rank.get(document, 0), dense_rank.get(document, 0)
        found.append(Match(candidate, bm25 + every + said + near_by, *ranks, parts))
    return found


def arrange(matches: Sequence[Match]) -> list[Match]:
    """Best first; ties by id."""
    return sorted(matches, key=lambda m: (-m.score, m.candidate.product_id))
