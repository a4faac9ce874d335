"""Variants of one product as one result: the first of them in the order stands for all, others are told.

A variant names its primary product; both are of the group that bears the primary's id. Pages hold what was
shown by its group, so that no group comes twice, whatever changes between two pages.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from services.search.domain.answer import Result
from services.search.domain.attributes import GROUP, PREFIX
from services.search.domain.fusion import Match
from services.search.domain.paging import Shown
from services.search.domain.ports import Shelf, Wanted
from services.search.domain.request import MAX_SEARCHED_VALUES

MOST_TOLD: Final = 50
"""Variants of a result whose ids are told."""

MOST_FOUND: Final = 5_000
"""Variants of all results of a page that are looked for."""

_FACET: Final = f"{PREFIX}{GROUP}"

Ordered = Callable[[int], Sequence[Match]]
"""The first so many of what is wanted, fewer where there are no more."""

Primaries = Callable[[Sequence[str]], Mapping[str, str]]
"""The primary product of each of these products that is a variant."""


def grouped(
    ordered: Ordered, primaries: Primaries, size: int, shown: Shown
) -> tuple[list[Match], Shown | None]:
    """The first of each group that was not shown, and what is shown then when there are more."""
    limit = 2 * (shown.count + size + 1)
    while True:
        listed = ordered(limit)
        of = primaries([match.candidate.product_id for match in listed])
        first: dict[str, Match] = {}
        for match in listed:
            group = of.get(match.candidate.product_id, match.candidate.product_id)
            if group not in shown:
                first.setdefault(group, match)
        if len(first) - shown.skipped > size or len(listed) < limit:
            break
        limit *= 4
    page = list(first.items())[shown.skipped :][:size]
    more = len(first) - shown.skipped > size
    return [match for _, match in page], shown.plus(group for group, _ in page) if more else None


def groups(shelf: Shelf, wanted: Wanted, products: int, primaries: Primaries) -> int:
    """How many groups the products are that are wanted; right up to MAX_SEARCHED_VALUES with variants."""
    variants = dict(shelf.facets((_FACET,), wanted, MAX_SEARCHED_VALUES)[_FACET])
    if not variants:
        return products
    # A primary that is a variant of another itself counts there.
    heads = tuple(variants.keys() - primaries(list(variants)).keys())
    found = shelf.count(replace(wanted, filter=replace(wanted.filter, products=heads))) if heads else 0
    return products - sum(variants.values()) - found + len(variants)


def with_variants(
    results: Sequence[Result], shelf: Shelf, wanted: Wanted, primaries: Primaries
) -> list[Result]:
    """The results, each with what else of its group is wanted."""
    ids = [result.product_id for result in results]
    of = {product_id: product_id for product_id in ids} | dict(primaries(ids))
    found = _members(shelf, wanted, tuple(dict.fromkeys(of.values()))) if ids else []
    known = primaries(found)
    together: defaultdict[str, list[str]] = defaultdict(list)
    for product_id in found:
        together[known.get(product_id, product_id)].append(product_id)
    return [_told(result, together[of[result.product_id]]) for result in results]


def _members(shelf: Shelf, wanted: Wanted, named: tuple[str, ...]) -> list[str]:
    """What is wanted of the groups of these names: the primary products, then variants, best first."""
    heads = replace(wanted.filter, products=named)
    variants = replace(wanted.filter, attributes=(*wanted.filter.attributes, (GROUP, named)))
    both = [shelf.ranked(replace(wanted, filter=each), MOST_FOUND) for each in (heads, variants)]
    return list(dict.fromkeys(one.product_id for each in both for one in each))


def _told(result: Result, members: Sequence[str]) -> Result:
    others = [member for member in members if member != result.product_id]
    return replace(result, variants=tuple(others[:MOST_TOLD]), variant_count=len(others))
