"""The table of sections: what each page shows, what fills it, how long that may take, and what else will do.

A HARD section is what the page is for: when the request itself is refused by what fills it (an unknown
product, a broken picture, a foreign page token), the call fails with that reason. Whatever happens to a SOFT
section costs that section only. Services that fail, of either kind, cost a section and never a page.
"""

# ruff: noqa: E501 - the table reads as a table

from dataclasses import dataclass
from enum import Enum

from services.gateway.domain import calls
from services.gateway.domain.calls import Call, for_all, recommended
from services.gateway.domain.model import Placement


class PageName(Enum):
    """The pages; the value stands in attribution tokens."""

    HOME = "home"
    SEARCH = "search"
    PRODUCT = "product"
    CART = "cart"
    IMAGE = "image"


class Need(Enum):
    """What a refusal costs."""

    HARD = "the call"
    SOFT = "the section"


@dataclass(frozen=True, slots=True)
class SectionPlan:
    """One row of the table.

    `claim`: no product stands twice on a page, the section with the lower claim has it; 0 is what was asked
    for by id, shown as it is. `sheddable`: left out when the gateway has too much to do.
    """

    page: PageName
    id: str
    title: str
    need: Need
    cap_ms: int
    call: Call
    fallback: Call | None = None
    claim: int = 1
    sheddable: bool = False


HOME, SEARCH, PRODUCT, CART, IMAGE = PageName
HARD, SOFT = Need

# fmt: off
SECTIONS: tuple[SectionPlan, ...] = (
    #           page     id                 title                   need  cap   call                               fallback                 claim  sheddable
    SectionPlan(HOME,    "picked-for-you",  "Picked for you",       SOFT, 400,  recommended(Placement.HOME),       calls.own_popular,       2),
    SectionPlan(HOME,    "buy-again",       "Buy it again",         SOFT, 400,  recommended(Placement.BUY_AGAIN),  None,                    1),
    SectionPlan(HOME,    "popular",         "Popular now",          SOFT, 300,  for_all(Placement.POPULAR),        calls.own_popular,       4,     True),
    SectionPlan(HOME,    "new",             "New in the shop",      SOFT, 300,  for_all(Placement.NEW),            None,                    3,     True),
    SectionPlan(SEARCH,  "results",         "Results",              HARD, 1000, calls.results,                     calls.own_titles,        1),
    SectionPlan(PRODUCT, "product",         "Product",              HARD, 100,  calls.the_product,                 None,                    0),
    SectionPlan(PRODUCT, "similar",         "Similar products",     SOFT, 400,  calls.similar,                     calls.own_popular_alike, 1),
    SectionPlan(PRODUCT, "bought-together", "Often bought with it", SOFT, 400,  recommended(Placement.PRODUCT),    calls.own_popular,       2,     True),
    SectionPlan(CART,    "cart",            "Your cart",            HARD, 100,  calls.cart_lines,                  None,                    0),
    SectionPlan(CART,    "goes-with-cart",  "Goes with your cart",  SOFT, 400,  recommended(Placement.CART),       calls.own_popular,       1,     True),
    SectionPlan(IMAGE,   "looks-like",      "Looks like",           HARD, 1500, calls.looks_like,                  None,                    1),
)
# fmt: on
