"""What the domain needs from outside. Each port has a working adapter in memory and a real one.

Calls to services raise BackendUnavailable, BackendTimedOut or, when they find the request wrong, Refused.
`timeout` is seconds, and is passed on as the call's deadline.
"""
# ruff: noqa: ASYNC109 - a timeout here is the deadline that the other side is told

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from services.gateway.domain.errors import Refused
from services.gateway.domain.model import (
    ANY,
    IN_STOCK,
    Answer,
    AttributeFilter,
    Candidate,
    Card,
    Filter,
    Order,
    Placement,
    Quote,
    Shopper,
)


class Recommender(Protocol):
    """Chooses and orders products (recsys)."""

    async def recommend(
        self,
        placement: Placement,
        shopper: Shopper,
        timeout: float,
        *,
        size: int,
        context: Sequence[str] = (),
        wanted: Filter = IN_STOCK,
    ) -> Answer:
        """Products for a placement, best first; FALLBACK when popularity answered instead."""
        ...

    async def similar(
        self, product_id: str, timeout: float, *, size: int, wanted: Filter = IN_STOCK
    ) -> Answer:
        """Products like one, nearest first; empty for an unknown product."""
        ...

    async def rank(self, shopper: Shopper, product_ids: Sequence[str], timeout: float) -> Answer:
        """The given products, each once, in this shopper's order."""
        ...


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What to search for; equal queries get equal answers."""

    text: str = ""
    wanted: Filter = ANY
    size: int = 24
    token: str = ""
    order: Order = Order.RELEVANCE
    facet_keys: tuple[str, ...] = ()
    facet_prefixes: tuple[tuple[str, str], ...] = ()
    highlight: bool = False
    explain: bool = False
    exact: bool = False
    attribute_filters: tuple[AttributeFilter, ...] = ()
    group_variants: bool = False


class Searcher(Protocol):
    """Finds products by words (search)."""

    async def search(self, query: SearchQuery, timeout: float) -> Answer:
        """A page of results, with total, facets and the next token. Refused: INVALID_PAGE_TOKEN."""
        ...

    async def complete(self, shopper: Shopper, prefix: str, size: int, timeout: float) -> tuple[str, ...]:
        """Queries that begin with the prefix, best first: the shopper's own before others."""
        ...

    async def related(self, text: str, size: int, timeout: float) -> tuple[str, ...]:
        """Queries to offer beside one, the likeliest first; the same for everybody."""
        ...


Box = tuple[float, float, float, float]
"""Left, top, right and bottom of a part of a picture, as shares of its width and height."""


class Looker(Protocol):
    """Sees what is in a picture (vision)."""

    async def look(
        self, image: bytes, wanted: Filter, size: int, timeout: float, box: Box | None = None
    ) -> Answer:
        """Products that look like it, or like its box, most similar first, maybe none, and labels.

        Refused: UNREADABLE_IMAGE.
        """
        ...


class Pricer(Protocol):
    """Says what products cost (pricing)."""

    async def quote(self, product_ids: Sequence[str], timeout: float) -> Mapping[str, Quote]:
        """Prices by product, at most 1,000; without those that have none."""
        ...


class Shelf(Protocol):
    """The gateway's own view of catalogue and orders; answers without a call, even when all else is down."""

    def cards(self, product_ids: Sequence[str]) -> Mapping[str, Card]:
        """The cards of those products that exist."""
        ...

    async def popular(self) -> Sequence[Candidate]:
        """What many buy now and can be bought, best first: some hundreds."""
        ...

    async def search(self, query: SearchQuery) -> Answer:
        """Products whose titles have all the words, best first. Refused: INVALID_PAGE_TOKEN."""
        ...

    async def complete(self, prefix: str, size: int) -> tuple[str, ...]:
        """Titles that begin with the prefix, in their order."""
        ...

    async def products(self, product_ids: Sequence[str]) -> Mapping[str, bytes]:
        """The serialised products as they were written, of those that exist."""
        ...


class Stream(Enum):
    """The two streams of the log."""

    CATALOG = "CATALOG"
    EVENTS = "EVENTS"


@dataclass(frozen=True, slots=True)
class Appended:
    """The log has it; `duplicate` when it had the key before and kept the first."""

    duplicate: bool = False


class Journal(Protocol):
    """Appends to the log."""

    async def append(
        self, stream: Stream, entries: Sequence[tuple[str, bytes]]
    ) -> Sequence[Appended | Refused]:
        """One result a (key, payload), in order, after the log acknowledged; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Backends:
    """The services behind the gateway."""

    recsys: Recommender
    search: Searcher
    vision: Looker
    pricing: Pricer
