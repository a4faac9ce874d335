"""Better prices for many products: each category by itself, as its policy wants it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from services.pricing.domain.demand.crossing import Crossing
from services.pricing.domain.optimiser.beside import beside
from services.pricing.domain.optimiser.candidates import Candidate, Item, bound_text, candidates
from services.pricing.domain.optimiser.choice import Choice, choose
from services.pricing.domain.optimiser.coherence import Floats, Row, rows
from services.pricing.domain.optimiser.doubt import DRAWS, taken_over
from services.pricing.domain.optimiser.gains import Outlook, interval, outlook
from services.pricing.domain.optimiser.goals import Goals, Objective
from services.pricing.domain.proposal import Interval
from services.pricing.domain.words import amount, percent

SECONDS: Final = 60.0
"""For solving all programs of one call together."""


class Change(NamedTuple):
    """A better price, in micros, what it is expected to change a week, and what bound it, in words."""

    item: Item
    price: int
    units: Interval
    revenue: Interval
    margin: Interval | None
    constraints: tuple[str, ...]
    stock: bool


class Plan(NamedTuple):
    """Better prices, products that stay and those that nothing can be told of, each with the reason; what the
    prices change in all, and how far from the best choice they may be.
    """

    changes: list[Change]
    kept: list[tuple[str, str]]
    skipped: list[tuple[str, str]]
    units: Interval
    revenue: Interval
    margin: Interval
    gap: float


class _Group(NamedTuple):
    """A category's products with all that the choice among their prices stands on."""

    items: list[Item]
    prices: list[list[Candidate]]
    outlooks: list[Outlook]
    rows: list[Row]
    choice: Choice
    goals: Goals
    now: int
    brought: Floats
    effect: Floats
    known: bool

    def changed(self, place: int, name: str) -> Floats:
        """How a product's units, revenue or margin change (S), all prices of the group changing."""
        return np.asarray(self.after(place, name) - getattr(self.outlooks[place], name)[0])

    def after(self, place: int, name: str) -> Floats:
        """What a product brings then."""
        return np.asarray(getattr(self.outlooks[place], name)[self.choice.chosen[place]] * self.effect[place])


def optimise(
    items: Sequence[Item],
    now: int,
    objective: Objective | None = None,
    crossing: Crossing | None = None,
    seconds: float = SECONDS,
) -> Plan:
    """The best prices that rules and goals allow, and nothing for products that had better stay.

    `crossing` tells which products answer to whose price.
    """
    groups: dict[tuple[str, Goals], list[Item]] = defaultdict(list)
    for item in items:
        goals = replace(item.goals, objective=objective) if objective else item.goals
        groups[item.category, goals].append(item)
    skipped: list[tuple[str, str]] = []
    solved: list[_Group] = []
    for (_, goals), theirs in sorted(groups.items(), key=lambda pair: pair[0][0]):
        solved.append(_solved(theirs, goals, now, skipped, seconds, crossing))
        seconds -= solved[-1].choice.seconds
    changes = sorted(
        (change for group in solved for change in _changes(group)), key=lambda c: c.item.product_id
    )
    score, bound = (sum(getattr(group.choice, name) for group in solved) for name in ("score", "bound"))
    return Plan(
        changes,
        sorted(pair for group in solved for pair in _kept(group)),
        skipped,
        _total(solved, "units"),
        _total(solved, "revenue"),
        _total(solved, "margin"),
        (bound - score) / bound if bound > 1e-9 else 0.0,
    )


def _solved(
    items: Sequence[Item],
    goals: Goals,
    now: int,
    skipped: list[tuple[str, str]],
    seconds: float,
    crossing: Crossing | None,
) -> _Group:
    kept: list[Item] = []
    prices: list[list[Candidate]] = []
    outlooks: list[Outlook] = []
    for item in items:
        theirs = candidates(item, goals.max_step)
        found = outlook(item, theirs, goals, now)
        if isinstance(found, str):
            skipped.append((item.product_id, found))
        else:
            kept.append(item)
            prices.append(theirs)
            outlooks.append(found)
    tied = rows(kept, prices, outlooks, goals) if kept else []
    others = beside(kept, crossing)
    brought = others.brought(np.array([_worth(one, goals) for one in outlooks]))
    moves = [np.log([one.price / theirs[0].price for one in theirs]) for theirs in prices]
    outlooks = [
        replace(one, score=one.score + gain * move)
        for one, gain, move in zip(outlooks, brought, moves, strict=True)
    ]
    choice = choose([one.score for one in outlooks], tied, seconds)
    moved = np.array([move[chosen] for move, chosen in zip(moves, choice.chosen, strict=True)])
    effect, known = others.effect(moved), others.share is not None
    return _Group(kept, prices, outlooks, tied, choice, goals, now, brought * moved, effect, known)


def _worth(found: Outlook, goals: Goals) -> float:
    """What a product brings now, in the objective."""
    value = {Objective.MARGIN: found.margin, Objective.UNITS: found.units}.get(goals.objective, found.revenue)
    assert value is not None
    return float(value[0].mean())


def _total(groups: Sequence[_Group], name: str) -> Interval:
    return interval(sum((_gain(group, name) for group in groups), np.zeros(DRAWS)))


def _gain(group: _Group, name: str) -> Floats:
    """What the choice changes in all, by draw (S)."""
    told = [place for place, found in enumerate(group.outlooks) if getattr(found, name) is not None]
    gain = sum((group.changed(place, name) for place in told), np.zeros(DRAWS))
    if group.known or not told:
        return gain
    lost = -sum((group.changed(place, "units") for place in told), np.zeros(DRAWS))
    units, value = (
        sum((group.after(place, one) for place in told), np.zeros(DRAWS)) for one in ("units", name)
    )
    return gain + taken_over(lost, value, units)


def _changes(group: _Group) -> list[Change]:
    tied = _tied(group)
    made = []
    for place, (item, found) in enumerate(zip(group.items, group.outlooks, strict=True)):
        chosen = group.choice.chosen[place]
        if chosen:
            units, revenue = (interval(group.changed(place, name)) for name in ("units", "revenue"))
            margin = None if found.margin is None else interval(group.changed(place, "margin"))
            said = (*_constraints(group, place), *tied[place])
            counted = bool(group.goals.stock_weeks or group.goals.objective is Objective.CLEARANCE)
            price = group.prices[place][chosen].price
            stock = counted and item.stock is not None
            made.append(Change(item, price, units, revenue, margin, said[:MOST_TOLD], stock))
    return made


MOST_TOLD: Final = 20
TELLING: Final = 0.005
"""What others gain or lose is told from this share of what the product brings on."""


def _kept(group: _Group) -> list[tuple[str, str]]:
    tied, made = _tied(group), []
    for place, (item, found) in enumerate(zip(group.items, group.outlooks, strict=True)):
        if group.choice.chosen[place]:
            continue
        within = f"within {percent(group.goals.max_step)}"
        if len(found.score) == 1:
            why = f"the rules leave no other price {within}"
        elif tied[place]:
            why = "; ".join(tied[place][:MOST_TOLD])
        elif item.response.prior_only:
            why = f"its price never moved, and no other price {within} is sure to bring more"
        else:
            why = f"no other price {within} brings enough more"
        made.append((item.product_id, why))
    return made


def _tied(group: _Group) -> list[list[str]]:
    """For each product the rows that keep it from what would be best for it alone."""
    told: list[list[str]] = [[] for _ in group.items]
    alone = [int(np.argmax(found.score)) for found in group.outlooks]
    for row in group.rows:
        for place, _ in row.terms:
            moved = list(group.choice.chosen)
            moved[place] = alone[place]
            if alone[place] != group.choice.chosen[place] and not row.keeps(moved):
                told[place].append(row.text)
    return told


def _constraints(group: _Group, place: int) -> list[str]:
    item, prices, goals = group.items[place], group.prices[place], group.goals
    chosen = prices[group.choice.chosen[place]]
    up, lowest = chosen.price > item.price, item.reference(group.now)
    said = []
    if held := bound_text(item, chosen, up):
        said.append(held)
    elif chosen.price == (max if up else min)(candidate.price for candidate in prices):
        said.append(f"a proposal changes a price by {percent(goals.max_step)} at most")
    if abs(gain := group.brought[place]) > TELLING * _worth(group.outlooks[place], goals):
        answer, kind = "gain" if gain > 0 else "lose", goals.objective.name.lower()
        said.append(f"other products of its category {answer} {abs(gain):.2f} of {kind} a week by it")
    if item.response.prior_only:
        said.append("its price never moved: judged by the low end of its gain")
    if np.isneginf(group.outlooks[place].score).any():
        said.append(f"no price under {amount(lowest)} while a reduction from it is planned")
    elif goals.announcement_value and prices[1].price < lowest:
        lost = percent(goals.announcement_value)
        said.append(f"a price under {amount(lowest)} counts {lost} of a week's revenue as lost")
    if chosen.price < lowest:
        said.append(
            f"{amount(chosen.price)} becomes the lowest price of 30 days: until they are over, "
            f"a reduction is announced from it, not from {amount(lowest)}"
        )
    return said
