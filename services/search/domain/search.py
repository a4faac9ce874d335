"""A search: words and meaning find, the filter lets through, fusion orders, a page is cut.

What is found does not depend on the filter: every lexical match and every text near enough in meaning,
and of those what the filter lets through. So a facet's count is what filtering by its value answers.
Only the head of what is found is fused: the engine counts the rest, and lists it where somebody pages so far.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from services.search.domain import paging
from services.search.domain.about import About
from services.search.domain.answer import Page, Rescue
from services.search.domain.blending import Found, blended
from services.search.domain.categories import Learnt
from services.search.domain.controls import Boost, Controls, InForce, Pin, Synonyms, with_synonyms
from services.search.domain.cutting import Pile, cut
from services.search.domain.dense import Meaning
from services.search.domain.facets import facets
from services.search.domain.fusion import ASKED, Match, arrange, fuse
from services.search.domain.merchandising import boosted, pinned
from services.search.domain.ordering import Ordering
from services.search.domain.ports import Candidate, Catalogue, EncoderAway, Shelf, Wanted, Word
from services.search.domain.query.lexicon import Lexicon
from services.search.domain.query.predicting import attributed
from services.search.domain.query.rewording import ENOUGH, reworded
from services.search.domain.query.spelling import Sense
from services.search.domain.query.understanding import Understanding, as_typed, narrowed, understand
from services.search.domain.related import VOTERS, Predicted
from services.search.domain.request import Filter, Order, Request
from services.search.domain.rescue import relaxations
from services.search.domain.stages import ALL, Stage
from services.search.domain.text import words

HEAD: Final = 500
"""Products of each list, words and meaning, that are fused; those after them are ordered by words alone."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request with all that its answer is made from."""

    shelf: Shelf
    request: Request
    query: Understanding
    meaning: Meaning | None
    ruled: InForce


class Searcher:
    """Answers searches; any thread may call it. `meaning` tells the model to use, None when there is none."""

    def __init__(
        self,
        catalogue: Catalogue,
        meaning: Callable[[], Meaning | None],
        lexicon: Lexicon,
        stages: frozenset[Stage] = ALL,
        controls: Controls | None = None,
        ordering: Ordering | None = None,
        learnt: Callable[[], Learnt | None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._catalogue = catalogue
        self._meaning = meaning
        self._lexicon = lexicon
        self._stages = stages
        self._controls = controls
        self._ordering = ordering
        self._about = About(lexicon, learnt)
        self._now = now

    def search(self, request: Request) -> Page:
        """The page asked for, by words alone while the encoder is away. Raises InvalidPageToken."""
        meaning = self._meaning() if Stage.MEANING in self._stages else None
        try:
            return self._answer(request, meaning)
        except EncoderAway:
            return self._answer(request, None)

    def _answer(self, request: Request, meaning: Meaning | None) -> Page:
        begin = paging.position(request)
        served_by = "hybrid" if meaning else "lexical"
        with self._catalogue.look() as shelf:
            ruled = self._in_force(request)
            query = self._understood(request, shelf, ruled, meaning)
            chosen = self._chosen(request)
            filter_ = narrowed(query, chosen.filter, self._lexicon)
            asked = _Asked(shelf, chosen, query, meaning, ruled)
            wanted, matches = self._found(asked, filter_)
            counted = facets(asked.request, query, wanted, shelf, self._lexicon)
            pile = Pile(shelf, wanted, matches, self._lexicon.primaries)
            total, results, end = cut(pile, chosen, query.text, begin)
            rescue = None if total else self._rescue(asked, filter_)
        more = paging.token(request, end) if end else ""
        told = query, filter_, ruled.redirect, rescue
        about = [] if request.exact else self._categories(asked, [m.candidate.product_id for m in matches])
        return Page(results, total, more, served_by, counted.counts, *told, counted.ranged, about)

    def finds(self, text: str) -> bool:
        """Whether products have every word of the query, as it stands."""
        ruled = self._in_force(Request(text))
        query = with_synonyms(understand(text, self._lexicon), ruled.only(Synonyms))
        with self._catalogue.look() as shelf:
            wanted = Wanted(query.words, filter=narrowed(query, Filter(), self._lexicon))
            return bool(query.words) and shelf.count(wanted) > 0

    def fused(self, text: str) -> tuple[Understanding, list[Match]]:
        """A query as it is understood and the head of what it finds, as fusion alone orders it."""
        meaning = self._meaning() if Stage.MEANING in self._stages else None
        with self._catalogue.look() as shelf:
            query = self._understood(Request(text), shelf, InForce(), meaning)
            _, matches = self._find(shelf, query, narrowed(query, Filter(), self._lexicon), meaning)
        return query, matches

    def _found(self, asked: _Asked, filter_: Filter) -> tuple[Wanted, list[Match]]:
        """What is wanted, and the head of it as it stands; none of an empty query, which is only listed."""
        shelf, query = asked.shelf, asked.query
        if not query.text:
            return Wanted(filter=filter_), []
        wanted, matches = self._find(shelf, query, filter_, asked.meaning)
        matches = _as_asked(shelf, wanted, query, matches)
        matches = self._ordered(matches, query, asked.ruled)
        return wanted, self._as_ruled(shelf, matches, asked.ruled, filter_, asked.request.order)

    def _rescue(self, asked: _Asked, filter_: Filter) -> Rescue | None:
        for names, wider in relaxations(filter_):
            pile = Pile(asked.shelf, *self._found(asked, wider), self._lexicon.primaries)
            total, results, _ = cut(pile, asked.request, asked.query.text, None)
            if total:
                about = self._categories(asked, [found.product_id for found in results])
                return Rescue(names, results, total, about)
        about = self._nearest(asked)
        return Rescue((), [], 0, about) if about else None

    def _nearest(self, asked: _Asked) -> list[Predicted]:
        """The categories of what lies nearest to a query that finds nothing, however far that is."""
        if asked.meaning is None or not asked.query.text:
            return []
        near = dict(asked.meaning.vectors.nearest(asked.meaning.of(asked.query.meaning), VOTERS))
        found = asked.shelf.ranked(Wanted(texts=tuple(near)), VOTERS) if near else []
        found.sort(key=lambda one: (-near[one.text_key], one.product_id))
        return self._categories(asked, [one.product_id for one in found])

    def _categories(self, asked: _Asked, product_ids: Sequence[str]) -> list[Predicted]:
        return self._about.of(asked.request.text, asked.query, product_ids)

    def _chosen(self, request: Request) -> Request:
        """The request with what it chooses of attributes in its filter, numbers as the values there are."""
        chosen = []
        for name, values, minimum, below in request.attribute_filters:
            bounded = minimum is not None or below is not None
            numbers = self._lexicon.numbers(name, minimum, below) if bounded else []
            chosen.append((name, tuple(dict.fromkeys((*values, *numbers)))))
        return replace(request, filter=replace(request.filter, attributes=tuple(chosen)))

    def _in_force(self, request: Request) -> InForce:
        return InForce.of(self._controls.all(), request.text, self._now()) if self._controls else InForce()

    def _ordered(self, matches: list[Match], query: Understanding, ruled: InForce) -> list[Match]:
        if self._ordering is None:
            return matches
        return self._ordering.of(matches, query, ruled.weights, self._stages, self._now().timestamp())

    def _as_ruled(
        self, shelf: Shelf, matches: list[Match], ruled: InForce, filter_: Filter, order: Order
    ) -> list[Match]:
        if boosts := ruled.only(Boost):
            matches = arrange(boosted(matches, boosts, shelf))
        if self._controls and order is Order.RELEVANCE:
            matches = pinned(matches, ruled.only(Pin), shelf, filter_, self._controls)
        return matches

    def _understood(
        self, request: Request, shelf: Shelf, ruled: InForce, meaning: Meaning | None
    ) -> Understanding:
        if request.exact or Stage.READING not in self._stages:
            return as_typed(request.text)

        def having(text: str) -> int:
            return shelf.count(Wanted(((text,),)))

        plain = attributed(understand(request.text, self._lexicon), self._lexicon, having)
        if (query := with_synonyms(plain, ruled.only(Synonyms))) is not plain:
            return query  # the merchant knows these words
        if not query.words or query.products or Stage.SPELLING not in self._stages:
            return query
        query = reworded(
            query,
            self._lexicon,
            lambda asked, prefix: shelf.count(Wanted(tuple(asked), prefix=prefix)),
            Sense(meaning.encoder.knows, meaning.nearness) if meaning else Sense(),
        )
        return attributed(query, self._lexicon, having) if query.corrections else query

    def _find(
        self, shelf: Shelf, query: Understanding, filter_: Filter, meaning: Meaning | None
    ) -> tuple[Wanted, list[Match]]:
        """All that is found by the query and what may be meant beside it, and the head of it in order."""
        wanted, matches = self._read(shelf, query, filter_, meaning)
        if not query.beside:
            return wanted, matches
        readings, texts, every = [Found(query.text, query.share, matches)], set(wanted.texts), wanted.every
        for other in query.beside:
            also, matches = self._read(shelf, other, filter_, meaning)
            readings.append(Found(other.text, other.share, matches))
            texts.update(also.texts)
            every = every and also.every
        both = replace(wanted, words=query.every_reading, texts=tuple(sorted(texts)), every=every)
        return both, blended(readings, stands=query.stands)

    def _read(
        self, shelf: Shelf, query: Understanding, filter_: Filter, meaning: Meaning | None
    ) -> tuple[Wanted, list[Match]]:
        """All that is found by one reading, and the head of it in order."""
        asked = query.words if Stage.WORDS in self._stages else ()
        wanted, lexical, whole = _by_words(shelf, asked, filter_)
        phrase = set[int]()
        if lexical and Stage.PHRASE in self._stages:
            said = [(word,) for word in words(query.meaning)]
            phrase = shelf.saying(said, [candidate.document for candidate in lexical])
        if meaning is None:
            return wanted, arrange(fuse(lexical, whole, phrase, [], {}))
        vector = meaning.of(query.meaning)
        near = meaning.near(vector)
        dense = shelf.ranked(Wanted(texts=tuple(near), filter=filter_), HEAD) if near else []
        cosines = meaning.similarity(vector, list({candidate.text_key for candidate in lexical}))
        matches = fuse(lexical, whole, phrase, dense, {**cosines, **near})
        return replace(wanted, texts=tuple(near)), arrange(matches)


def _as_asked(shelf: Shelf, wanted: Wanted, query: Understanding, matches: list[Match]) -> list[Match]:
    """The matches with what the attributes add that the query asks for by name.

    Without a name the word itself tells: to add for those too gained nothing on judged queries.
    """
    named = [one for one in query.attributes if one.by_name]
    for one in named:
        chosen = (*wanted.filter.attributes, (one.name, (one.key,)))
        having = replace(wanted, filter=replace(wanted.filter, attributes=chosen))
        documents = {candidate.document for candidate in shelf.ranked(having, 2 * HEAD)}
        matches = [
            match.plus(attributes=ASKED) if match.candidate.document in documents else match
            for match in matches
        ]
    return arrange(matches) if named else matches


def _by_words(
    shelf: Shelf, words: tuple[Word, ...], filter_: Filter
) -> tuple[Wanted, list[Candidate], set[int]]:
    """What has any of the words, or every one when enough do; its head, and which of that have every one."""
    if not words:
        return Wanted(filter=filter_), [], set()
    count = shelf.count(Wanted(words))
    prefix = not count
    if prefix:
        count = shelf.count(Wanted(words, prefix=True))
    wanted = Wanted(words, prefix=prefix, filter=filter_)
    whole = shelf.ranked(wanted, HEAD)
    documents = {candidate.document for candidate in whole}
    if count >= ENOUGH:
        return wanted, whole, documents
    wanted = replace(wanted, every=False)
    some = [found for found in shelf.ranked(wanted, HEAD) if found.document not in documents]
    return wanted, whole + some, documents
