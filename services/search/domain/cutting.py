"""Cuts one page from what is wanted, in the order asked for, after where the page before ended.

By relevance the fused matches come first, and the rest by words alone. Pages of groups hold what was shown in
every order, for a group's place is that of any of its products.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.search.domain.answer import Result, listed_because, result_of
from services.search.domain.errors import InvalidPageToken
from services.search.domain.fusion import Match
from services.search.domain.grouping import Primaries, grouped, groups, with_variants
from services.search.domain.paging import Position, Shown
from services.search.domain.ports import Candidate, Place, Shelf, Wanted
from services.search.domain.request import Order, Request


@dataclass(frozen=True, slots=True)
class Pile:
    """What is wanted of a catalogue, and the matches that are the head of it, best first."""

    shelf: Shelf
    wanted: Wanted
    matches: Sequence[Match]
    primaries: Primaries


def cut(
    pile: Pile, request: Request, text: str, begin: Position | None
) -> tuple[int, list[Result], Position | None]:
    """How much is wanted, one page of it, and where that ends when there is more.

    `text` is the query as it is understood; of an empty one everything is listed. Raises InvalidPageToken.
    """
    if text and not pile.matches:
        return 0, [], None
    total = max(pile.shelf.count(pile.wanted), len(pile.matches))
    by_relevance = bool(text) and request.order is Order.RELEVANCE
    if request.group_variants:
        total = groups(pile.shelf, pile.wanted, total, pile.primaries)
        page, end = _grouped(pile, request, _shown(begin), by_relevance=by_relevance)
    elif by_relevance:
        page, end = _ranked(pile, request.page_size, _shown(begin))
    else:
        page, end = _listed(pile, request, begin)
    results = [result_of(match, text) if text else _plain(match, request) for match in page]
    if request.group_variants:
        results = with_variants(results, pile.shelf, pile.wanted, pile.primaries)
    return total, _marked(results, pile) if request.highlight else results, end


def _shown(begin: Position | None) -> Shown:
    if begin is not None and not isinstance(begin, Shown):
        raise InvalidPageToken("the query is understood otherwise than it was", "page_token")
    return begin or Shown()


def _ranked(pile: Pile, size: int, shown: Shown) -> tuple[list[Match], Position | None]:
    """The first that were not shown."""
    found = [match for match in pile.matches if not shown.marks or match.candidate.product_id not in shown]
    if len(found) - shown.skipped <= size:
        head = {match.candidate.document for match in pile.matches}
        tail = pile.shelf.ranked(pile.wanted, shown.count + size + 1 + len(head))
        found += (
            Match(candidate, 0.0)
            for candidate in tail
            if candidate.document not in head and candidate.product_id not in shown
        )
    page = found[shown.skipped :][:size]
    more = len(found) - shown.skipped > size
    return page, shown.plus(match.candidate.product_id for match in page) if more else None


def _listed(pile: Pile, request: Request, begin: Position | None) -> tuple[list[Match], Position | None]:
    """What stands after a place by price or id."""
    if isinstance(begin, Shown):
        raise InvalidPageToken("the query is understood otherwise than it was", "page_token")
    places = pile.shelf.listing(pile.wanted, request.order, begin, request.page_size + 1)
    page = places[: request.page_size]
    return _known(pile, page), page[-1] if len(places) > len(page) else None


def _grouped(
    pile: Pile, request: Request, shown: Shown, *, by_relevance: bool
) -> tuple[list[Match], Position | None]:
    """The first of each group that was not shown."""

    def ordered(limit: int) -> list[Match]:
        if not by_relevance:
            return _known(pile, pile.shelf.listing(pile.wanted, request.order, None, limit))
        if len(pile.matches) >= limit:
            return list(pile.matches[:limit])
        head = {match.candidate.product_id for match in pile.matches}
        tail = pile.shelf.ranked(pile.wanted, limit + len(head))
        return [*pile.matches, *(Match(one, 0.0) for one in tail if one.product_id not in head)][:limit]

    return grouped(ordered, pile.primaries, request.page_size, shown)


def _known(pile: Pile, places: Sequence[Place]) -> list[Match]:
    """The products of these places, as they were matched where they were."""
    known = {match.candidate.product_id: match for match in pile.matches}
    return [
        known.get(place.product_id) or Match(Candidate(0, place.product_id, 0, 0.0), 0.0) for place in places
    ]


def _plain(match: Match, request: Request) -> Result:
    return Result(match.candidate.product_id, 0.0, 0, 0, listed_because(request))


def _marked(results: list[Result], pile: Pile) -> list[Result]:
    """With the words of each title that matched."""
    if not pile.wanted.words:
        return results
    marked = pile.shelf.title_words(pile.wanted, [found.product_id for found in results])
    return [replace(found, title_words=marked.get(found.product_id, ())) for found in results]
