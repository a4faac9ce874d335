"""A markdown plan for a product as the shop knows it: prices that rules allow, weeks, what to announce."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from services.pricing.domain.errors import InvalidValue, MixedCurrencies, TooManyItems
from services.pricing.domain.limits import CLAIM, MICROS
from services.pricing.domain.optimiser.candidates import Item
from services.pricing.domain.optimiser.gains import WEEK, demand, draws
from services.pricing.domain.optimiser.grain import rounded
from services.pricing.domain.optimiser.markdown import Compared, Season, Week, compare, plan, weeks
from services.pricing.domain.optimiser.sales import Floats
from services.pricing.domain.pipeline import moves
from services.pricing.domain.reduction import discount_percent

DEPTHS: Final = tuple(range(100_000, 800_000, 100_000))
DEEPEST: Final = 950_000
MOST_DEPTHS: Final = 20
MOST_STOCK: Final = 20_000
MOST_WEEKS: Final = 52


class Clearing(NamedTuple):
    """What is asked: `depths` in millionths, `salvage` in micros of a currency ("" for 0), `stock` None for
    the catalogue's.
    """

    until: int
    stock: int | None = None
    salvage: int = 0
    currency: str = ""
    depths: tuple[int, ...] = DEPTHS


class Markdown(NamedTuple):
    """The plan: when each week begins, what it is to bring, what may be announced, and how it compares."""

    item: Item
    stock: int
    starts: list[int]
    weeks: list[Week]
    percents: list[int]
    compared: Compared


def markdown(item: Item, asked: Clearing, now: int) -> Markdown:
    """Plans it. Raises InvalidValue for a day or a stock that no plan can be made for, MixedCurrencies."""
    if asked.currency not in ("", item.response.currency):
        message = f"the product is priced in {item.response.currency}"
        raise MixedCurrencies(message, field="salvage.currency_code")
    stock = item.stock if asked.stock is None else asked.stock
    if stock is None:
        raise InvalidValue("its stock is not counted: tell it", field="stock")
    if not 0 < stock <= MOST_STOCK:
        raise InvalidValue(f"a plan is for 1 to {MOST_STOCK} pieces", field="stock")
    starts, lengths = _weeks(now, asked.until)
    prices = ladder(item, asked.depths)
    amounts = np.array(prices) / MICROS
    doubtful = demand(item.response, amounts, draws(item), (0.0, np.inf)).T[:, None, :] * lengths[:, None]
    salvage, dispersion = asked.salvage / MICROS, item.response.dispersion
    season = Season(amounts, doubtful.mean(axis=0), stock, salvage, dispersion)
    best, _ = plan(season)
    told = weeks(season, best)
    return Markdown(
        item, stock, starts, told, _percents(item, starts, told, now), compare(season, doubtful, best)
    )


def ladder(item: Item, depths: Sequence[int]) -> list[int]:
    """The price in force, then what the rules make of each cut, falling. A daily step only delays a cut."""
    rival = item.terms.rival.price if item.terms.rival else None
    cut = {
        moves(
            rounded(item.price * (MICROS - depth) / MICROS, item.response.currency),
            item.cost,
            item.terms.rules,
            None,
            rival,
        )[-1].after
        for depth in depths
    }
    return [item.price, *sorted((price for price in cut if 0 < price < item.price), reverse=True)]


def depths(told: Sequence[float], default: tuple[int, ...]) -> tuple[int, ...]:
    """Cuts as millionths. Raises InvalidValue, TooManyItems."""
    if len(told) > MOST_DEPTHS:
        raise TooManyItems(f"at most {MOST_DEPTHS} depths", field="depths")
    found = tuple(sorted({round(depth * MICROS) for depth in told}))
    if any(not 0 < depth <= DEEPEST for depth in found):
        raise InvalidValue("a depth must be over 0, to 0.95", field="depths")
    return found or default


def _weeks(now: int, until: int) -> tuple[list[int], Floats]:
    """When each week begins, and its length in weeks: the last may be shorter."""
    if not 0 < until - now <= MOST_WEEKS * WEEK:
        raise InvalidValue(f"until must lie ahead, {MOST_WEEKS} weeks at most", field="until")
    starts = list(range(now, until, WEEK))
    return starts, np.array([min(WEEK, until - start) / WEEK for start in starts])


def _percents(item: Item, starts: Sequence[int], told: Sequence[Week], now: int) -> list[int]:
    """A reduction that deepens keeps the measure of its first step, and is announced for 30 days from it."""
    prices = [round(week.price * MICROS) for week in told]
    cuts = [start for start, price in zip(starts, prices, strict=True) if price < item.price]
    if not cuts:
        return [0] * len(prices)
    reference = item.reference(cuts[0])
    return [
        discount_percent(price, reference) if price < item.price and start < cuts[0] + CLAIM else 0
        for start, price in zip(starts, prices, strict=True)
    ]
