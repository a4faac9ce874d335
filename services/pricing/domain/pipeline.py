"""From the basis to the price: margin floor, floor, ceiling, daily step, competitor, ending, in this order.

Where rules cannot all be kept, the one that stands first here is: the margin floor, the policy's floor,
its ceiling, the daily step, what its competitor rule allows, the ending. So a price never lies below cost
and least margin.
"""

from enum import IntEnum
from typing import NamedTuple

from services.pricing.domain.competitor import CompetitorRule
from services.pricing.domain.limits import MAX_PRICE, MICROS
from services.pricing.domain.policy import Policy


class Rule(IntEnum):
    """The rules, numbered as in the proto."""

    BASIS = 1
    MARGIN_FLOOR = 2
    FLOOR = 3
    CEILING = 4
    DAILY_STEP = 5
    ENDING = 6
    STOP = 7
    COMPETITOR = 8


class Move(NamedTuple):
    """One rule at work: the price before it, after it, and the bounds it kept (None where it has none)."""

    rule: Rule
    before: int
    after: int
    low: int | None = None
    high: int | None = None


def margin_floor(cost: int, min_margin: int) -> int:
    """The least price that keeps a margin given in millionths: cost / (1 - margin), rounded up."""
    return min(MAX_PRICE, -(-cost * MICROS // (MICROS - min_margin)))


def moves(
    base: int, cost: int | None, policy: Policy | None, day_ago: int | None, rival: int | None = None
) -> list[Move]:
    """The rules that were asked, in order; the last move's `after` is the price. All amounts in micros.

    `cost` and `policy` must be of the basis' currency, or None; `day_ago` is the price a day ago, or None
    for a product that had none; `rival` is the competitor's price that the policy goes by, None for none.
    """
    made = [Move(Rule.BASIS, base, base)]
    if policy is None:
        return made
    low, high, price = 0, MAX_PRICE, base
    if cost is not None:
        low = margin_floor(cost, policy.min_margin)
        price = max(price, low)
        made.append(Move(Rule.MARGIN_FLOOR, base, price, low=low))
    if policy.floor is not None:
        low = max(low, policy.floor)
        made.append(Move(Rule.FLOOR, price, max(price, low), low=policy.floor))
        price = max(price, low)
    if policy.ceiling is not None:
        high = max(low, policy.ceiling)
        made.append(Move(Rule.CEILING, price, min(price, high), high=policy.ceiling))
        price = min(price, high)
    if policy.max_daily_step and day_ago is not None:
        least, most = day_range(day_ago, policy.max_daily_step)
        stepped = _clamp(_clamp(price, least, most), low, high)
        made.append(Move(Rule.DAILY_STEP, price, stepped, low=least, high=most))
        price = stepped
        # Past here the ending may not break the step, nor a bound that already had to.
        low, high = _narrowed(price, low, high, least, most)
    if policy.competitor:
        made.append(_beside(price, policy.competitor, rival, low, high))
        price, nearest, furthest = made[-1].after, made[-1].low, made[-1].high
        low, high = _narrowed(price, low, high, nearest, furthest)
    if policy.endings:
        made.append(Move(Rule.ENDING, price, with_ending(price, policy.endings, low, high)))
    return made


def day_range(day_ago: int, step: int) -> tuple[int, int]:
    """The lowest and highest price a step (in millionths) away from the price a day ago."""
    change = day_ago * step // MICROS
    return max(0, day_ago - change), min(MAX_PRICE, day_ago + change)


def with_ending(price: int, endings: tuple[int, ...], low: int, high: int) -> int:
    """The nearest amount between the bounds that has an allowed ending, the lower of two equally near.

    The price itself when there is none. What is free stays free, and nothing becomes free.
    """
    if price == 0:
        return 0
    least = max(low, 1)
    below = (price // MICROS - 1) * MICROS
    fitting = [
        candidate
        for ending in endings
        for candidate in range(below + ending, below + ending + 3 * MICROS, MICROS)
        if least <= candidate <= high
    ]
    return min(fitting, key=lambda candidate: (abs(candidate - price), candidate), default=price)


def deciding(made: list[Move]) -> Rule:
    """The rule that the price is owed to: the last that moved it; the ending only where no other did."""
    if made[-1].rule is Rule.STOP:
        return Rule.STOP
    moved = [move.rule for move in made if move.before != move.after]
    bounds = [rule for rule in moved if rule != Rule.ENDING]
    return (bounds or moved or [Rule.BASIS])[-1]


def _beside(price: int, rule: CompetitorRule, rival: int | None, low: int, high: int) -> Move:
    """The nearest price that the rule allows, as far as the bounds before it let it go there."""
    if rival is None:
        return Move(Rule.COMPETITOR, price, price)
    least, most = rule.bounds(rival)
    return Move(Rule.COMPETITOR, price, _clamp(_clamp(price, least, most), low, high), least, most)


def _narrowed(price: int, low: int, high: int, least: int | None, most: int | None) -> tuple[int, int]:
    """The bounds within further ones, as far as the price that was made keeps them."""
    return (
        min(price, max(low, 0 if least is None else least)),
        max(price, min(high, MAX_PRICE if most is None else most)),
    )


def _clamp(price: int, low: int, high: int) -> int:
    return max(low, min(high, price))
