"""What fills a section: each call asks the services behind, each fallback the gateway's own view alone."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Final

from services.gateway.domain.errors import BackendError, Refused
from services.gateway.domain.model import Answer, Candidate, Label, Order, Placement, Shopper, Status
from services.gateway.domain.ports import Backends, Box, SearchQuery, Shelf
from services.gateway.domain.sharing import Keep, Shared

RANK_CAP: Final = 0.15  # seconds; results keep their order when ranking takes longer
RELATED: Final = 5  # queries offered beside results
RELATED_CAP: Final = 0.09  # seconds; so short that being late does not count against search
SHARED_CAP: Final = 0.5  # for what is fetched for everybody
LABELS_TRIED: Final = 2
LABEL_CAP: Final = 0.5  # for the search for one label
OWN_SEARCH: Final = 0.1  # kept for a search in the gateway's own view
FOR_ALL: Final = Keep(fresh=10, stale=60, spare=3600)
OWN_TOKEN: Final = "own."
"""How page tokens begin that the gateway's own search gave; all others are the search service's."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a page was asked for. `size` is how many candidates a section needs."""

    shopper: Shopper = field(default_factory=Shopper)
    size: int = 12
    context: tuple[str, ...] = ()  # the product, or the cart's
    lines: tuple[Candidate, ...] = ()  # the cart's, with quantities
    query: SearchQuery = field(default_factory=SearchQuery)
    image: bytes = b""
    box: Box | None = None  # the part of the image


@dataclass(frozen=True, slots=True)
class Sources:
    """Where answers come from."""

    backends: Backends
    shelf: Shelf
    shared: Shared


Call = Callable[[Sources, Ask, float], Awaitable[Answer]]
"""Fills a section within so many seconds. Raises BackendError, or Refused."""


def recommended(placement: Placement) -> Call:
    """What recsys chooses for this shopper."""

    async def call(sources: Sources, ask: Ask, seconds: float) -> Answer:
        return await sources.backends.recsys.recommend(
            placement, ask.shopper, seconds, size=ask.size, context=ask.context
        )

    return call


def for_all(placement: Placement) -> Call:
    """What recsys chooses for a stranger: the same for everybody, so that one answer serves all."""

    async def call(sources: Sources, ask: Ask, seconds: float) -> Answer:
        async def fetch() -> Answer:
            return await sources.backends.recsys.recommend(placement, Shopper(), SHARED_CAP, size=ask.size)

        return await sources.shared.get((placement.name, ask.size), fetch, FOR_ALL)

    return call


async def similar(sources: Sources, ask: Ask, seconds: float) -> Answer:
    """What is like the product: the same for everybody."""

    async def fetch() -> Answer:
        return await sources.backends.recsys.similar(ask.context[0], SHARED_CAP, size=ask.size)

    return await sources.shared.get(("similar", ask.context[0], ask.size), fetch, FOR_ALL)


async def results(sources: Sources, ask: Ask, seconds: float) -> Answer:
    """Search results, and then, when sorted by relevance, in this shopper's order."""
    if ask.query.token.startswith(OWN_TOKEN):
        return await sources.shelf.search(ask.query)
    found, related = await asyncio.gather(_found(sources, ask, seconds), _related(sources, ask, seconds))
    return replace(found, related_queries=related)


async def _related(sources: Sources, ask: Ask, seconds: float) -> tuple[str, ...]:
    """Queries to offer beside the first page; none where they do not come at once."""
    text = ask.query.text
    if ask.query.token or not text.strip():
        return ()

    async def fetch() -> Answer:
        found = await sources.backends.search.related(text, RELATED, min(RELATED_CAP, seconds))
        return Answer(related_queries=found)

    try:
        return (await sources.shared.get(("related", text), fetch)).related_queries
    except (BackendError, Refused):
        return ()


async def _found(sources: Sources, ask: Ask, seconds: float) -> Answer:
    ends = monotonic() + seconds

    async def fetch() -> Answer:
        return await sources.backends.search.search(ask.query, seconds)

    found = await sources.shared.get(ask.query, fetch)
    if not (ask.shopper.known and found.candidates and ask.query.order is Order.RELEVANCE):
        return found
    ids = [candidate.product_id for candidate in found.candidates]
    left = min(RANK_CAP, ends - monotonic() - 0.01)
    try:
        ranked = await sources.backends.recsys.rank(ask.shopper, ids, left)
    except (BackendError, Refused):
        return found  # the order of relevance is good too
    return _reordered(found, ranked)


def _reordered(found: Answer, ranked: Answer) -> Answer:
    """The found candidates in ranked order with the ranked scores; those that were not ranked follow."""
    by_id = {candidate.product_id: candidate for candidate in found.candidates}
    ordered = []
    for rank in ranked.candidates:
        if mine := by_id.pop(rank.product_id, None):
            better = replace(mine, score=rank.score, propensity=rank.propensity)
            ordered.append(replace(better, reason=rank.reason or mine.reason))
    served_by = f"{found.served_by}, ranked by {ranked.served_by}"
    return replace(found, candidates=(*ordered, *by_id.values()), served_by=served_by)


async def looks_like(sources: Sources, ask: Ask, seconds: float) -> Answer:
    """Products that look like a picture; when none does, a search for what the picture shows."""
    ends = monotonic() + seconds
    seen = await sources.backends.vision.look(ask.image, ask.query.wanted, ask.size, seconds, ask.box)
    if seen.candidates:
        name = seen.labels[0].name if seen.labels else "your picture"
        candidates = tuple(replace(one, reason=f"Looks like {name}") for one in seen.candidates)
        return replace(seen, candidates=candidates)
    for label in seen.labels[:LABELS_TRIED]:
        found = await _labelled(sources, ask, label, min(LABEL_CAP, ends - monotonic() - OWN_SEARCH))
        if found.candidates:
            candidates = tuple(replace(one, reason=f"Looks like {label.name}") for one in found.candidates)
            return replace(found, candidates=candidates, labels=seen.labels)
    return seen


async def _labelled(sources: Sources, ask: Ask, label: Label, seconds: float) -> Answer:
    query = SearchQuery(label.name, ask.query.wanted, ask.size)
    try:
        found = await sources.backends.search.search(query, seconds)
        return replace(found, served_by=f'search by label "{label.name}"')
    except (BackendError, Refused):
        found = await sources.shelf.search(query)
        return replace(found, served_by=f'gateway titles by label "{label.name}"')


async def the_product(sources: Sources, ask: Ask, seconds: float) -> Answer:
    """The product that the page is about. Refused: PRODUCT_NOT_FOUND."""
    if not sources.shelf.cards(ask.context):
        raise Refused("PRODUCT_NOT_FOUND", "no product has this id", field="product_id")
    return Answer(
        tuple(Candidate(product_id, "You are looking at it") for product_id in ask.context),
        "gateway catalogue",
    )


async def cart_lines(sources: Sources, ask: Ask, seconds: float) -> Answer:
    """What is in the cart, line by line."""
    return Answer(tuple(replace(line, reason="In your cart") for line in ask.lines), "gateway catalogue")


# Fallbacks. They take no time worth telling, and an empty answer means that there is none.


async def own_popular(sources: Sources, ask: Ask, seconds: float) -> Answer:
    """What was bought most of late, by the gateway's own count."""
    candidates = await sources.shelf.popular()
    return Answer(tuple(candidates[: ask.size + len(ask.context)]), "gateway popular", Status.FALLBACK)


async def own_popular_alike(sources: Sources, ask: Ask, seconds: float) -> Answer:
    """The same, in the product's main category."""
    candidates = await sources.shelf.popular()
    ids = [candidate.product_id for candidate in candidates]
    cards = sources.shelf.cards([*ask.context, *ids])
    main = {product_id: card.categories[:1] for product_id, card in cards.items() if card.categories}
    wanted = {main.get(product_id) for product_id in ask.context} - {None}
    alike = [one for one in candidates if main.get(one.product_id) in wanted]
    return Answer(tuple(alike[: ask.size + 1]), "gateway popular in category", Status.FALLBACK)


async def own_titles(sources: Sources, ask: Ask, seconds: float) -> Answer:
    """Products whose titles have the words. None for a later page of what search began."""
    return Answer() if ask.query.token else await sources.shelf.search(ask.query)
