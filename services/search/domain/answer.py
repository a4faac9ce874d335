"""What a search answers: products with their reasons, counts, and what else there would be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.search.domain.fusion import UNSCORED, Match, Parts
from services.search.domain.product import LEVEL
from services.search.domain.query.understanding import Understanding
from services.search.domain.related import Predicted
from services.search.domain.request import Filter, Order, Request


@dataclass(frozen=True, slots=True)
class Result:
    """One product of an answer; `reason` says why in words a shopper reads.

    `variants` are the first of the `variant_count` others of its group, where the answer is grouped.
    """

    product_id: str
    score: float
    lexical_rank: int
    dense_rank: int
    reason: str
    parts: Parts = UNSCORED
    title_words: Sequence[str] = ()
    variants: tuple[str, ...] = ()
    variant_count: int = 0


@dataclass(frozen=True, slots=True)
class Rescue:
    """What there is without some of the request's conditions, when with them there is nothing.

    `categories` are those of the results, or where there are none either, of what is nearest in meaning.
    """

    lifted: tuple[str, ...]
    results: list[Result]
    total: int
    categories: Sequence[Predicted] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """An answer. `total` counts all that match, `facets` are counted over the same.

    `query` tells what was understood, `filter` what was let through because of it; facets that are `ranged`
    count ranges of numbers. `categories` are those that the query is about, by what it finds.
    """

    results: list[Result]
    total: int
    next_page_token: str
    served_by: str
    facets: Mapping[str, list[tuple[str, int]]]
    query: Understanding
    filter: Filter
    redirect_uri: str = ""
    rescue: Rescue | None = None
    ranged: frozenset[str] = frozenset()
    categories: Sequence[Predicted] = ()


def result_of(match: Match, query: str) -> Result:
    """A match as it is answered."""
    query = match.said or query
    if not (match.lexical_rank or match.dense_rank):
        reason = f"Chosen for “{query}”"
    elif match.whole:
        reason = f"Matches “{query}”"
    elif match.lexical_rank or not match.dense_rank:
        reason = f"Matches part of “{query}”"
    else:
        reason = f"Similar to “{query}”"
    found = match.candidate.product_id
    return Result(found, match.score, match.lexical_rank, match.dense_rank, reason, match.parts)


def listed_because(request: Request) -> str:
    """Why a product is listed for no query."""
    if request.filter.categories:
        return f"In {request.filter.categories[0].rsplit(LEVEL, 1)[-1]}"
    if request.filter.brands:
        return "By a brand you chose"
    if request.order is not Order.RELEVANCE:
        return "In order of price"
    return "From the catalogue"
