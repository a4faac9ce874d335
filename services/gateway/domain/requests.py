"""Which page requests are good: each check turns a request into an Ask, or raises Refused."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from services.gateway.domain import limits
from services.gateway.domain.calls import Ask
from services.gateway.domain.checks import (
    check_count,
    check_filter,
    check_id,
    check_shopper,
    check_size,
    coerced,
)
from services.gateway.domain.errors import Refused
from services.gateway.domain.model import Candidate, Filter, Order, Shopper
from services.gateway.domain.ports import Box, SearchQuery

_FACETS: Final = ("category", "brand", "price", "availability", "size")
_ATTRIBUTE: Final = "attributes."
_ORDERS: Final = {"": Order.RELEVANCE} | {order.value: order for order in Order}


def home(shopper: Shopper, page_size: int) -> Ask:
    """A home page."""
    check_shopper(shopper)
    return Ask(shopper, coerced(page_size, limits.SECTION_SIZE, limits.MOST_ITEMS))


def search(
    shopper: Shopper,
    query: SearchQuery,
    order_by: str,
) -> Ask:
    """A page of search results; the size and the order of `query` are taken from what was asked for."""
    check_shopper(shopper)
    check_size(query.text, limits.QUERY, "query")
    check_filter(query.wanted)
    check_count(query.facet_keys, limits.FACET_KEYS, "facet_keys")
    for index, key in enumerate(query.facet_keys):
        if key not in _FACETS and not key.startswith(_ATTRIBUTE):
            field = f"facet_keys[{index}]"
            known = ", ".join((*_FACETS, f"{_ATTRIBUTE}NAME"))
            raise Refused("INVALID_VALUE", f"{field} must be one of {known}", field=field)
    if order_by not in _ORDERS:
        raise Refused("INVALID_VALUE", "order_by must be relevance, price or -price", field="order_by")
    for key, prefix in query.facet_prefixes:
        if key not in query.facet_keys:
            what = "facet_prefixes must be of facets that facet_keys names"
            raise Refused("INVALID_VALUE", what, field="facet_prefixes")
        check_size(prefix, limits.QUERY, "facet_prefixes")
    size = coerced(query.size, limits.SEARCH_SIZE, limits.MOST_ITEMS)
    return Ask(shopper, size, query=replace(query, size=size, order=_ORDERS[order_by]))


def product(shopper: Shopper, product_id: str, page_size: int) -> Ask:
    """A product's page."""
    check_shopper(shopper)
    check_id(product_id, "product_id")
    return Ask(shopper, coerced(page_size, limits.SECTION_SIZE, limits.MOST_ITEMS), (product_id,))


def cart(shopper: Shopper, lines: Sequence[Candidate], page_size: int) -> Ask:
    """A cart's page."""
    check_shopper(shopper)
    check_count(lines, limits.ITEMS, "lines")
    for index, line in enumerate(lines):
        check_id(line.product_id, f"lines[{index}].product_id")
        if not 0 < line.quantity <= limits.CART_QUANTITY:
            field = f"lines[{index}].quantity"
            raise Refused("INVALID_VALUE", f"{field} must lie between 0 and 10,000", field=field)
    context = tuple(dict.fromkeys(line.product_id for line in lines))
    size = coerced(page_size, limits.SECTION_SIZE, limits.MOST_ITEMS)
    return Ask(shopper, size, context, tuple(lines))


def image(shopper: Shopper, content: bytes, box: Box | None, wanted: Filter, page_size: int) -> Ask:
    """A search by photograph, or by a part of one."""
    check_shopper(shopper)
    if not content:
        raise Refused("REQUIRED", "image is required", field="image")
    if len(content) > limits.IMAGE:
        raise Refused("TOO_LARGE", "image must have at most 10 MiB", field="image")
    if box is not None and not (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1):
        raise Refused(
            "INVALID_VALUE", "box must have 0 <= left < right <= 1, top and bottom too", field="box"
        )
    check_filter(wanted)
    size = coerced(page_size, limits.SEARCH_SIZE, limits.MOST_ITEMS)
    return Ask(shopper, size, query=SearchQuery(wanted=wanted, size=size), image=content, box=box)


def completion(shopper: Shopper, prefix: str, page_size: int) -> Ask:
    """Completions of a prefix."""
    check_shopper(shopper)
    check_size(prefix, limits.QUERY, "prefix")
    size = coerced(page_size, limits.COMPLETIONS, limits.MOST_COMPLETIONS)
    return Ask(shopper, size, query=SearchQuery(prefix, size=size))
