"""A product as the optimiser sees it, and the prices within its reach: what the rules make of wishes.

Each candidate is what `pipeline.moves` makes of a wish, so that what is proposed is what is paid.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from services.pricing.domain import words
from services.pricing.domain.demand.response import Response
from services.pricing.domain.limits import MICROS, WINDOW
from services.pricing.domain.optimiser.goals import Goals
from services.pricing.domain.optimiser.grain import rounded
from services.pricing.domain.optimiser.packs import Pack, pack
from services.pricing.domain.pipeline import Move, Rule, deciding, moves
from services.pricing.domain.product import Basis, Facts
from services.pricing.domain.terms import Terms

WISHES: Final = 21
BEYOND: Final = 100_000
"""How far beyond the prices that were in force or paid an elasticity is believed, in millionths."""

_FREE: Final = (Rule.BASIS, Rule.ENDING)


class Candidate(NamedTuple):
    """A price that could be in force, in micros, and the bound that a wish beyond it was held by, if any."""

    price: int
    bound: Move | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A product to price. Amounts are micros.

    `price` is in force, `past` are those before it in the last 30 days, each with when it ended; `day_ago` is
    what the daily step is measured against, `trusted` the lowest and highest price that the elasticity is
    believed at.
    """

    product_id: str
    price: int
    past: tuple[tuple[int, int], ...]
    day_ago: int | None
    trusted: tuple[int, int]
    facts: Facts
    terms: Terms
    response: Response

    @property
    def goals(self) -> Goals:
        """What its policy wants."""
        return (self.terms.policy and self.terms.policy.goals) or Goals()

    def reference(self, at: int) -> int:
        """What a reduction at a moment is announced from: the lowest price of 30 days, as known today."""
        return min([self.price, *(price for ended, price in self.past if ended > at - WINDOW)])

    @property
    def cost(self) -> int | None:
        """Its cost, in the currency of its price."""
        return self.facts.cost_in(self.response.currency)

    @property
    def stock(self) -> int | None:
        """Pieces there are, None where they are not counted."""
        return self.facts.product.stock if self.facts.product else None

    @property
    def category(self) -> str:
        """Its main category."""
        return self.facts.categories[0] if self.facts.categories else ""

    @property
    def brand(self) -> str:
        """Its brand, in one case."""
        return self.facts.product.brand.casefold() if self.facts.product else ""

    @property
    def family(self) -> str:
        """The primary product of it and its other sizes."""
        return (self.facts.product.primary_id if self.facts.product else "") or self.product_id

    @property
    def pack(self) -> Pack | None:
        """How much is in it."""
        return pack(self.facts.product.size) if self.facts.product else None

    def inputs(self, stock: bool) -> tuple[str, ...]:
        """What its price is made from, of the allowed names."""
        named = {"units_sold", "price_history", "category", "list_price"}
        told = ((self.cost, "cost"), (self.terms.rival, "competitor_price"), (stock or None, "stock"))
        return tuple(sorted(named | {name for value, name in told if value is not None}))


def refused(facts: Facts, terms: Terms, response: Response | None, price: int) -> str:
    """Why a product cannot be optimised, in words; "" where it can."""
    basis, money = facts.basis()
    if not facts.listed or basis is Basis.NONE:
        return "the product is not in the catalogue or has no price"
    if price <= 0:
        return "the product is free"
    if terms.stop:
        return f"pricing is stopped: {terms.stop.reason or terms.stop.actor}"
    if terms.rules is None or not terms.rules.mode.decides:
        return "its policy lets nobody decide on prices"
    if terms.assigned:
        return f"experiment {terms.assigned.experiment} decides on its price until it is over"
    if response is None:
        return "the model does not know its demand"
    if response.currency != money.currency:
        return f"its demand was learnt in {response.currency}, it is priced in {money.currency}"
    return ""


def trusted(low: int, high: int) -> tuple[int, int]:
    """The prices that an elasticity is believed at, where these were in force."""
    return low * (MICROS - BEYOND) // MICROS, high * (MICROS + BEYOND) // MICROS


def candidates(item: Item, max_step: int) -> list[Candidate]:
    """The price in force first, then what the rules make of wishes within the step, lowest first."""
    reach = max_step / MICROS
    wishes = np.geomspace(1 - reach, 1 + reach, WISHES) * item.price
    currency = item.response.currency
    asked = sorted({rounded(wish, currency) for wish in (*wishes, *item.trusted)})
    rival = item.terms.rival.price if item.terms.rival else None
    found: dict[int, Move | None] = {}
    for wish in asked:
        made = moves(wish, item.cost, item.terms.rules, item.day_ago, rival)
        price, rule = made[-1].after, deciding(made)
        if price <= 0 or abs(price - item.price) > item.price * max_step // MICROS:
            continue
        bound = None if rule in _FREE else next(move for move in reversed(made) if move.rule is rule)
        found[price] = bound or found.get(price)
    held = found.pop(item.price, None)
    return [Candidate(item.price, held), *(Candidate(price, found[price]) for price in sorted(found))]


def bound_text(item: Item, candidate: Candidate, up: bool) -> str:
    """The bound that kept a price from going further up or down, in words; "" where none did."""
    move = candidate.bound
    if move is None or (move.before > move.after) != up:
        return ""
    return words.step(move, item.facts, item.terms, item.day_ago)
