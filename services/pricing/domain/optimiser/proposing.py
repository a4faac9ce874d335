"""What a plan asks for: a price from each moment on at which it changes one."""

from services.pricing.domain.limits import MICROS
from services.pricing.domain.optimiser.clearing import Markdown
from services.pricing.domain.optimiser.gains import WEEK
from services.pricing.domain.optimiser.promotions import Promotion
from services.pricing.domain.product import Money
from services.pricing.domain.proposal import Evidence, Interval, Wish


def markdown_wishes(found: Markdown, model: str, now: int) -> list[Wish]:
    """The likeliest price of each week that is another one than the week before."""
    item, before, wishes = found.item, found.item.price, list[Wish]()
    currency, response = item.response.currency, item.response
    for number, (start, week) in enumerate(zip(found.starts, found.weeks, strict=True), 1):
        price = round(week.price * MICROS)
        if price != before:
            evidence = Evidence(
                model=model,
                elasticity=response.elasticity,
                elasticity_error=response.elasticity_error,
                inputs=item.inputs(stock=True),
                reason=f"markdown, week {number} of {len(found.weeks)}: {week.chance:.0%} likely, "
                f"{week.left:.0f} pieces left after it",
            )
            wishes.append(Wish(item.product_id, Money(currency, price), evidence, max(start, now)))
        before = price
    return wishes


def promotion_wishes(chosen: list[Promotion], model: str, start: int, now: int) -> list[Wish]:
    """Each promotion from its week on, and the price of today from the week after."""
    wishes = []
    for one in sorted(chosen, key=lambda one: one.week):
        item, response = one.item, one.item.response
        begins = start + one.week * WEEK
        evidence = Evidence(
            model=model,
            elasticity=response.elasticity,
            elasticity_error=response.elasticity_error,
            units=one.units,
            revenue=_micros(one.revenue),
            margin=_micros(one.margin) if one.margin else None,
            inputs=tuple(sorted({*item.inputs(stock=False), "promotion"})),
            reason=f"promotion of week {one.week + 1}, {one.percent}% less",
        )
        after = evidence._replace(
            units=None, revenue=None, margin=None, reason="the price after the promotion"
        )
        money = Money(response.currency, one.price)
        wishes.append(Wish(item.product_id, money, evidence, max(begins, now)))
        wishes.append(Wish(item.product_id, Money(response.currency, item.price), after, begins + WEEK))
    return wishes


def _micros(change: Interval) -> Interval:
    return Interval(*(value * MICROS for value in change))
