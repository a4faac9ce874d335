"""Promotions: which product, how deep and in which week, so that the weeks' slots bring most.

    maximise sum gain[i, w] y[i, w]    `slots` products a week, a product once in `apart` weeks at most

gain[i, w] is that of the best depth that can be announced in week w: what the product brings more, less what
it takes from others of its category. Gains are added: two promotions of one category in one week are not
weighed against each other. A promotion lowers the price that the next reduction is announced from for 30
days (98/6/EC, article 6a), so that two of one product begin at least 6 weeks apart.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

import numpy as np

from services.pricing.domain.demand.crossing import CrossElasticity
from services.pricing.domain.limits import MICROS
from services.pricing.domain.optimiser.candidates import Item
from services.pricing.domain.optimiser.choice import choose
from services.pricing.domain.optimiser.coherence import Row
from services.pricing.domain.optimiser.doubt import DRAWS, quantiles
from services.pricing.domain.optimiser.gains import demand, draws, interval
from services.pricing.domain.optimiser.goals import Objective
from services.pricing.domain.optimiser.grain import rounded
from services.pricing.domain.optimiser.sales import Floats
from services.pricing.domain.pipeline import moves
from services.pricing.domain.proposal import Interval
from services.pricing.domain.reduction import discount_percent

LEAST_APART: Final = 6
"""Weeks: one of promotion and the 30 days after it, rounded up to whole weeks."""

LEAST_PERCENT: Final = 5
"""A reduction of less is not worth announcing."""

Cross = Mapping[str, Mapping[str, CrossElasticity]]
"""By product, how the demand of others answers to its price: elasticities over 0 for substitutes."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """`weeks` and `slots` in each; `depths` in millionths; `apart` weeks between two starts of a product.

    `cannibalised`: the share, in millionths, of the pieces sold more that others of the category sell less,
    where `cross` says nothing of a product. `lift`: how many times more is sold because a promotion is shown,
    in millionths; what the lower price alone sells comes from the elasticity.
    """

    weeks: int
    slots: int
    depths: tuple[int, ...]
    apart: int = LEAST_APART
    cannibalised: int = 0
    lift: int = MICROS
    objective: Objective = Objective.MARGIN


class Offer(NamedTuple):
    """A product and, for each week, the lowest price of the 30 days before it, as known today."""

    item: Item
    references: tuple[int, ...]


class Promotion(NamedTuple):
    """A product's promotion in a week (from 0). `percent` is what may be announced, from `reference`.

    Changes are against the same week without it; `taken` is what others of the category lose, in what the
    objective counts.
    """

    item: Item
    week: int
    price: int
    reference: int
    percent: int
    units: Interval
    revenue: Interval
    margin: Interval | None
    taken: Interval


class Promotions(NamedTuple):
    """The calendar, by week and gain; what it gains after what it takes; products that were left out."""

    chosen: list[Promotion]
    gain: Interval
    considered: int
    skipped: list[tuple[str, str]]
    gap: float


class _Deal(NamedTuple):
    """One product, price and week, with the gain in each draw and by which it is chosen."""

    offer: Offer
    week: int
    price: int
    before: Floats
    more: Floats
    taken: Floats
    gain: Floats
    score: float


def promotions(
    offers: Sequence[Offer], calendar: Calendar, cross: Cross | None = None, seconds: float = 30.0
) -> Promotions:
    """The best calendar."""
    skipped: list[tuple[str, str]] = []
    kept = []
    for offer in offers:
        if calendar.objective is Objective.MARGIN and offer.item.cost is None:
            skipped.append(
                (offer.item.product_id, "its cost is not known, so that its margin cannot be told")
            )
        else:
            kept.append(offer)
    beside = _Beside(kept, calendar, cross or {})
    found = (_best(offer, calendar, beside) for offer in kept)
    deals = [theirs for theirs in found if theirs]
    deals = _likely(deals, calendar)
    scores = [np.array([0.0, deal.score]) for theirs in deals for deal in theirs]
    flat = [deal for theirs in deals for deal in theirs]
    choice = choose(scores, _rows(deals, calendar), seconds)
    chosen = [deal for deal, picked in zip(flat, choice.chosen, strict=True) if picked]
    chosen.sort(key=lambda deal: (deal.week, -deal.score, deal.offer.item.product_id))
    gain = interval(sum((deal.gain for deal in chosen), np.zeros(DRAWS)))
    gap = (choice.bound - choice.score) / choice.bound if choice.bound > 1e-9 else 0.0
    return Promotions([_told(deal) for deal in chosen], gain, len(kept), skipped, gap)


class _Beside:
    """What promotions take from other products, in the objective."""

    def __init__(self, offers: Sequence[Offer], calendar: Calendar, cross: Cross) -> None:
        self._calendar, self._cross = calendar, cross
        self._items = {offer.item.product_id: offer.item for offer in offers}
        self._sums: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        for item in self._items.values():
            units, worth = self._sums[item.category]
            sold = item.response.units(item.price / MICROS)
            self._sums[item.category] = units + sold, worth + sold * _worth(item, calendar)

    def taken(self, item: Item, price: int, more: Floats) -> Floats:
        """What the others lose for so many pieces sold more (S), in the objective."""
        if item.product_id in self._cross:
            change, doubt = np.log(price / item.price), quantiles(item.category)
            lost = np.zeros(len(more))
            for other_id, answer in self._cross[item.product_id].items():
                if (other := self._items.get(other_id)) and other_id != item.product_id:
                    sold = other.response.units(other.price / MICROS)
                    drawn = np.exp((answer.elasticity + answer.error * doubt) * change)
                    lost += sold * (1 - drawn) * _worth(other, self._calendar)
            return lost
        units, worth = self._sums[item.category]
        mine = item.response.units(item.price / MICROS)
        if units - mine <= 1e-9:
            return np.zeros(len(more))
        a_piece = (worth - mine * _worth(item, self._calendar)) / (units - mine)
        return np.asarray(more * (self._calendar.cannibalised / MICROS) * a_piece)


def _worth(item: Item, calendar: Calendar) -> float:
    """What a piece brings in the objective at the price in force; of unknown cost nothing is lost."""
    price = item.price / MICROS
    if calendar.objective is Objective.UNITS:
        return 1.0
    if calendar.objective is Objective.MARGIN:
        return 0.0 if item.cost is None else price - item.cost / MICROS
    return price


def _best(offer: Offer, calendar: Calendar, beside: _Beside) -> list[_Deal]:
    """For each week the depth that brings most, of those that may be announced then, if any gains."""
    made = (_deal(offer, price, calendar, beside) for price in _prices(offer.item, calendar))
    gaining = sorted((deal for deal in made if deal.score > 0), key=lambda deal: (-deal.score, deal.price))
    found = []
    for week, reference in enumerate(offer.references):
        told = (deal for deal in gaining if discount_percent(deal.price, reference) >= LEAST_PERCENT)
        found += [deal._replace(week=week) for deal in islice(told, 1)]
    return found


def _prices(item: Item, calendar: Calendar) -> set[int]:
    """What the rules make of each depth, where that is a cut."""
    rival = item.terms.rival.price if item.terms.rival else None
    cut = (item.price * (MICROS - depth) / MICROS for depth in calendar.depths)
    wishes = [rounded(wish, item.response.currency) for wish in cut]
    made = {moves(wish, item.cost, item.terms.rules, item.price, rival)[-1].after for wish in wishes}
    return {price for price in made if 0 < price < item.price}


def _deal(offer: Offer, price: int, calendar: Calendar, beside: _Beside) -> _Deal:
    item = offer.item
    prices = np.array([item.price, price]) / MICROS
    before, after = demand(item.response, prices, draws(item), (0.0, np.inf))
    more = after * (calendar.lift / MICROS) - before
    a_piece = _worth(item, calendar)
    promoted = a_piece if calendar.objective is Objective.UNITS else a_piece - (item.price - price) / MICROS
    taken = beside.taken(item, price, more)
    gain = (before + more) * promoted - before * a_piece - taken
    return _Deal(offer, 0, price, before, more, taken, gain, _score(item, gain))


def _score(item: Item, gain: Floats) -> float:
    """As in gains.py: a product whose price never moved is judged by the low end."""
    told = interval(gain)
    return told.low if item.response.prior_only else told.value


def _likely(deals: list[list[_Deal]], calendar: Calendar) -> list[list[_Deal]]:
    """Without what cannot be chosen: other weeks take slots * (weeks - 1) products at most, so that of each
    week the slots * weeks best are enough.
    """
    enough = calendar.slots * calendar.weeks
    by_week: dict[int, list[_Deal]] = defaultdict(list)
    for theirs in deals:
        for deal in theirs:
            by_week[deal.week].append(deal)
    kept = {
        (deal.offer.item.product_id, deal.week)
        for week in by_week.values()
        for deal in sorted(week, key=lambda deal: (-deal.score, deal.offer.item.product_id))[:enough]
    }
    left = [[deal for deal in theirs if (deal.offer.item.product_id, deal.week) in kept] for theirs in deals]
    return [theirs for theirs in left if theirs]


def _rows(deals: Sequence[Sequence[_Deal]], calendar: Calendar) -> list[Row]:
    one = np.array([0.0, 1.0])
    rows, by_week, place = [], defaultdict(list), 0
    for theirs in deals:
        places = {deal.week: place + number for number, deal in enumerate(theirs)}
        place += len(theirs)
        for week, where in places.items():
            by_week[week].append((where, one))
            near = [(places[w], one) for w in places if week <= w < week + calendar.apart]
            if len(near) > 1:
                rows.append(Row("promotions of a product lie apart", tuple(near), high=1.0))
    full = [tuple(terms) for terms in by_week.values() if len(terms) > calendar.slots]
    return rows + [Row("a week has so many slots", terms, high=float(calendar.slots)) for terms in full]


def _told(deal: _Deal) -> Promotion:
    item = deal.offer.item
    revenue = ((deal.before + deal.more) * deal.price - deal.before * item.price) / MICROS
    margin = None if item.cost is None else interval(revenue - deal.more * item.cost / MICROS)
    reference = deal.offer.references[deal.week]
    return Promotion(
        item,
        deal.week,
        deal.price,
        reference,
        discount_percent(deal.price, reference),
        interval(deal.more),
        interval(revenue),
        margin,
        interval(deal.taken),
    )
