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
from services.search.domain.answer import Page, Rescue, Result, listed_because, result_of
from services.search.domain.blending import Found, blended
from services.search.domain.categories import Learnt
from services.search.domain.controls import Boost, Controls, InForce, Pin, Synonyms, with_synonyms
from services.search.domain.dense import Meaning
from services.search.domain.errors import InvalidPageToken
from services.search.domain.facets import facets
from services.search.domain.fusion import ASKED, Match, arrange, fuse
from services.search.domain.grouping import grouped, groups, with_variants
from services.search.domain.merchandising import boosted, pinned
from services.search.domain.ordering import Ordering
from services.search.domain.paging import Position, Shown
from services.search.domain.ports import Candidate, Catalogue, EncoderAway, Place, Shelf, Wanted, Word
from services.search.domain.query.lexicon import Lexicon
from services.search.domain.query.predicting import attributed
from services.search.domain.query.rewording import ENOUGH, reworded
from services.search.domain.query.spelling import Sense
from services.search.domain.query.understanding import Understanding, as_typed, narrowed, understand
from services.search.domain.related import VOTERS, Predicted, shares, surest
from services.search.domain.request import Filter, Order, Request
from services.search.domain.rescue import relaxations
from services.search.domain.stages import ALL, Stage
from services.search.domain.text import key, words

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
        self._learnt = learnt
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
            total, results, end = self._paged(asked, wanted, matches, begin)
            rescue = None if total else self._rescue(asked, filter_)
        more = paging.token(request, end) if end else ""
        told = query, filter_, ruled.redirect, rescue
        about = (
            [] if request.exact else self._about(request, [match.candidate.product_id for match in matches])
        )
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

    def _paged(
        self, asked: _Asked, wanted: Wanted, matches: list[Match], begin: Position | None
    ) -> tuple[int, list[Result], Position | None]:
        """How much is wanted, one page of it, and where that ends when there is more."""
        shelf, request, query = asked.shelf, asked.request, asked.query
        if query.text and not matches:
            return 0, [], None
        total = max(shelf.count(wanted), len(matches))
        end: Position | None
        if request.group_variants:
            total = groups(shelf, wanted, total, self._lexicon.primaries)
            page, end = self._grouped(asked, wanted, matches, begin)
            results = with_variants(
                [result_of(match, query.text) if query.text else _plain(match, request) for match in page],
                shelf,
                wanted,
                self._lexicon.primaries,
            )
        elif query.text and request.order is Order.RELEVANCE:
            page, end = _page(shelf, request.page_size, wanted, matches, begin)
            results = [result_of(match, query.text) for match in page]
        else:
            results, end = _listed(asked, wanted, matches, begin)
        if request.highlight and wanted.words:
            marked = shelf.title_words(wanted, [found.product_id for found in results])
            results = [replace(found, title_words=marked.get(found.product_id, ())) for found in results]
        return total, results, end

    def _grouped(
        self, asked: _Asked, wanted: Wanted, matches: list[Match], begin: Position | None
    ) -> tuple[list[Match], Position | None]:
        """The first of each group that was not shown, in the order that the request asks for."""
        if begin is not None and not isinstance(begin, Shown):
            raise InvalidPageToken("the query is understood otherwise than it was", "page_token")
        shelf, order = asked.shelf, asked.request.order
        known = {match.candidate.product_id: match for match in matches}

        def ordered(limit: int) -> list[Match]:
            if not asked.query.text or order is not Order.RELEVANCE:
                places = shelf.listing(wanted, order, None, limit)
                return [known.get(one.product_id) or Match(_unranked(one), 0.0) for one in places]
            if len(matches) >= limit:
                return matches[:limit]
            tail = shelf.ranked(wanted, limit + len(matches))
            return [*matches, *(Match(one, 0.0) for one in tail if one.product_id not in known)][:limit]

        return grouped(ordered, self._lexicon.primaries, asked.request.page_size, begin or Shown())

    def _rescue(self, asked: _Asked, filter_: Filter) -> Rescue | None:
        for names, wider in relaxations(filter_):
            total, results, _ = self._paged(asked, *self._found(asked, wider), None)
            if total:
                about = self._about(asked.request, [found.product_id for found in results])
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
        return self._about(asked.request, [one.product_id for one in found])

    def _about(self, request: Request, product_ids: Sequence[str]) -> list[Predicted]:
        """The categories of what is found first, and what clicks after such a query told of them."""
        if not (first := product_ids[:VOTERS]):
            return []
        votes = shares(first, self._lexicon.categories(first))
        learnt = self._learnt()
        return surest(learnt.shares(key(request.text), votes) if learnt else votes)

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


def _page(
    shelf: Shelf, size: int, wanted: Wanted, matches: Sequence[Match], begin: Position | None
) -> tuple[list[Match], Position | None]:
    """The first of what is wanted that were not shown, of which the matches are the head; where they end."""
    shown = begin or Shown()
    if not isinstance(shown, Shown):
        raise InvalidPageToken("the query is understood otherwise than it was", "page_token")
    found = [match for match in matches if match.candidate.product_id not in shown]
    if len(found) - shown.skipped <= size:
        head = {match.candidate.document for match in matches}
        tail = shelf.ranked(wanted, shown.count + size + 1 + len(head))
        found += (
            Match(candidate, 0.0)
            for candidate in tail
            if candidate.document not in head and candidate.product_id not in shown
        )
    page = found[shown.skipped :][:size]
    more = len(found) - shown.skipped > size
    return page, shown.plus(match.candidate.product_id for match in page) if more else None


def _listed(
    asked: _Asked, wanted: Wanted, matches: Sequence[Match], begin: Position | None
) -> tuple[list[Result], Position | None]:
    """What is wanted after a place, in the order that the request asks for; where that ends."""
    if isinstance(begin, Shown):
        raise InvalidPageToken("the query is understood otherwise than it was", "page_token")
    request, query = asked.request, asked.query
    places = asked.shelf.listing(wanted, request.order, begin, request.page_size + 1)
    page = places[: request.page_size]
    end = page[-1] if len(places) > len(page) else None
    if not query.text:
        return [_plain(Match(_unranked(place), 0.0), request) for place in page], end
    known = {match.candidate.product_id: match for match in matches}
    found = [known.get(place.product_id) or Match(_unranked(place), 0.0) for place in page]
    return [result_of(match, query.text) for match in found], end


def _plain(match: Match, request: Request) -> Result:
    return Result(match.candidate.product_id, 0.0, 0, 0, listed_because(request))


def _unranked(place: Place) -> Candidate:
    return Candidate(0, place.product_id, 0, 0.0)
