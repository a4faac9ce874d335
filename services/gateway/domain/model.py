"""The gateway's words: shoppers, products, candidates, prices and pages, as plain data."""

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import NamedTuple


class Money(NamedTuple):
    """An exact amount: micros are millionths of the currency's unit."""

    currency: str
    micros: int


@dataclass(frozen=True, slots=True)
class Shopper:
    """Who asks, and in which of the shop's segments; all may be empty."""

    visitor_id: str = ""
    user_id: str = ""
    session_id: str = ""
    segment: str = ""

    @property
    def known(self) -> bool:
        """Whether anything can be remembered of this shopper."""
        return bool(self.visitor_id or self.user_id)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which products may be answered; fields are joined by AND, the values inside one by OR."""

    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    min_price: Money | None = None
    max_price: Money | None = None
    in_stock_only: bool = False


ANY = Filter()
IN_STOCK = Filter(in_stock_only=True)


@dataclass(frozen=True, slots=True)
class Card:
    """A product as pages show it. `body` is its serialised message, which the domain never opens."""

    id: str
    title: str
    categories: tuple[str, ...]
    brand: str
    price: Money | None
    in_stock: bool
    body: bytes


class Status(IntEnum):
    """How a section went; the numbers are the proto's."""

    OK = 1
    FALLBACK = 2
    STALE = 3
    TIMED_OUT = 4
    UNAVAILABLE = 5
    SHED = 6


class Placement(IntEnum):
    """Where recommended products will be shown; the numbers are the proto's."""

    HOME = 1
    BUY_AGAIN = 2
    PRODUCT = 3
    CART = 4
    POPULAR = 5
    NEW = 9


class Order(Enum):
    """How search results are sorted; the values are the request's."""

    RELEVANCE = "relevance"
    PRICE = "price"
    PRICE_DESCENDING = "-price"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that somebody proposes for a section."""

    product_id: str
    reason: str = ""
    score: float = 0.0
    propensity: float = 1.0
    quantity: int = 0
    title_words: tuple[str, ...] = ()
    score_parts: tuple[tuple[str, float], ...] = ()
    variant_count: int = 0
    variants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FacetValue:
    """How many products have a value, or a number from `minimum` up to, not including, `below`."""

    value: str
    count: int
    minimum: float | None = None
    below: float | None = None


@dataclass(frozen=True, slots=True)
class AttributeFilter:
    """Lets through what has one of the values of an attribute, or a number within bounds."""

    name: str
    values: tuple[str, ...] = ()
    minimum: float | None = None
    below: float | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of one property, most products first."""

    key: str
    values: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """One thing seen in a picture; confidence lies between 0 and 1."""

    name: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a section's call found: candidates best first, what found them, and what came along.

    `corrected` is the query searched for instead of what was typed; `related_queries` are others to offer.
    Where nothing matches, `wider_total` products would without the `lifted` conditions. `understanding` is
    what the query was taken to mean, a serialised message which the domain never opens.
    """

    candidates: tuple[Candidate, ...] = ()
    served_by: str = ""
    status: Status = Status.OK
    total: int = 0
    next_token: str = ""
    facets: tuple[Facet, ...] = ()
    labels: tuple[Label, ...] = ()
    corrected: str = ""
    lifted: tuple[str, ...] = ()
    wider_total: int = 0
    related_categories: tuple[str, ...] = ()
    related_queries: tuple[str, ...] = ()
    understanding: bytes = b""
    redirect_uri: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """What pricing says of one product."""

    price: Money
    list_price: Money | None = None
    lowest_30_days: Money | None = None
    discount_percent: int = 0
    personalized: bool = False


@dataclass(frozen=True, slots=True)
class PriceTag:
    """A quote with where it comes from: OK pricing, STALE an earlier quote, FALLBACK the catalogue."""

    quote: Quote
    status: Status


@dataclass(frozen=True, slots=True)
class Item:
    """One product of a section, at its position from 1."""

    position: int
    candidate: Candidate
    card: Card
    tag: PriceTag | None


@dataclass(frozen=True, slots=True)
class Section:
    """One list of products on a page; latency in seconds."""

    id: str
    title: str
    status: Status
    served_by: str
    latency: float
    items: tuple[Item, ...] = ()
    answer: Answer = field(default_factory=Answer)


@dataclass(frozen=True, slots=True)
class Page:
    """A composed page; latency in seconds."""

    sections: tuple[Section, ...]
    attribution_token: str
    latency: float
