"""A policy: who decides on prices, and the bounds that they must keep."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

from services.pricing.domain.competitor import CompetitorRule
from services.pricing.domain.errors import InvalidValue, MixedCurrencies, TooManyItems
from services.pricing.domain.limits import (
    DEFAULT_MARKET,
    MAX_AMOUNT,
    MAX_CATEGORY_BYTES,
    MAX_DAILY_STEP,
    MAX_ENDINGS,
    MICROS,
)
from services.pricing.domain.optimiser.goals import Goals

Kind = Literal["product", "category", "market"]
SEPARATOR: Final = " > "


class Mode(IntEnum):
    """Who decides on prices, numbered as in the proto."""

    LIST = 1
    RULES = 2
    PROPOSE = 3
    AUTOMATIC = 4

    @property
    def decides(self) -> bool:
        """Whether prices that were proposed and applied count."""
        return self >= Mode.PROPOSE


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds for one product, one category or a market. Amounts are micros, shares are millionths."""

    market: str = DEFAULT_MARKET
    kind: Kind = "market"
    scope: str = ""
    min_margin: int = 0
    currency: str = ""
    floor: int | None = None
    ceiling: int | None = None
    endings: tuple[int, ...] = ()
    max_daily_step: int = 0
    update_time: int = 0
    mode: Mode = Mode.RULES
    competitor: CompetitorRule | None = None
    goals: Goals | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What a later policy replaces this one by."""
        return self.market, self.kind, self.scope

    @property
    def name(self) -> str:
        """Which policy of its market it is: "market", "category Food", "product milk"."""
        return f"{self.kind} {self.scope}".rstrip()

    def fits(self, currency: str) -> bool:
        """Whether it can bound prices of this currency: bounds of another one do not apply."""
        return not self.currency or self.currency == currency


def share(value: float, field: str, *, most: int) -> int:
    """A share as whole millionths. Raises InvalidValue when it is not 0 to `most` millionths."""
    if not 0 <= value <= most / MICROS:  # false for NaN, too
        raise InvalidValue(f"{field} must be 0 to {most / MICROS:g}", field=field)
    millionths = round(value * MICROS)
    if value > 0 and millionths == 0:
        raise InvalidValue(f"{field} must be 0 or at least 0.000001", field=field)
    return millionths


def margin(value: float, field: str) -> int:
    """A least margin as whole millionths. Raises InvalidValue when it is not 0 to under 1."""
    if not 0 <= value < 1:
        raise InvalidValue(f"{field} must be 0 to under 1", field=field)
    return share(value, field, most=MICROS - 1)


def daily_step(value: float, field: str) -> int:
    """A largest daily change as whole millionths, 0 for no limit. Raises InvalidValue."""
    return share(value, field, most=MAX_DAILY_STEP)


def bounds(floor: tuple[str, int] | None, ceiling: tuple[str, int] | None) -> str:
    """The one currency of a floor and a ceiling. Raises InvalidValue or MixedCurrencies."""
    for name, bound in (("floor", floor), ("ceiling", ceiling)):
        if bound and not 0 <= bound[1] <= MAX_AMOUNT:
            message = f"policy.{name} must be 0 to {MAX_AMOUNT // MICROS} units"
            raise InvalidValue(message, field=f"policy.{name}.amount_micros")
    if floor and ceiling:
        if floor[0] != ceiling[0]:
            message = f"the floor is in {floor[0]}, the ceiling in {ceiling[0]}"
            raise MixedCurrencies(message, field="policy.ceiling")
        if floor[1] > ceiling[1]:
            raise InvalidValue("the ceiling lies below the floor", field="policy.ceiling")
    return (floor or ceiling or ("", 0))[0]


def endings(values: Sequence[int]) -> tuple[int, ...]:
    """Allowed endings, sorted, each once. Raises TooManyItems, or InvalidValue outside 0 to 999,999."""
    field = "policy.endings_micros"
    if len(values) > MAX_ENDINGS:
        raise TooManyItems(f"at most {MAX_ENDINGS} endings", field=field)
    if any(not 0 <= value < MICROS for value in values):
        raise InvalidValue("an ending must be 0 to 999999 micros", field=field)
    return tuple(sorted(set(values)))


def category_path(text: str, field: str) -> str:
    """A category path in its one spelling. Raises InvalidValue."""
    levels = [level.strip() for level in text.split(SEPARATOR.strip())]
    if not all(levels) or len(text.encode()) > MAX_CATEGORY_BYTES or not text.isprintable():
        raise InvalidValue("a category path is levels joined by ' > '", field=field)
    return SEPARATOR.join(levels)


def is_below(categories: Iterable[str], path: str) -> bool:
    """Whether one of the categories is the path or lies below it; everything lies below ""."""
    return not path or any(path in paths_above(category) for category in categories)


def paths_above(category: str) -> Iterator[str]:
    """The path and all above it, deepest first: "A > B" gives "A > B", "A"."""
    levels = [level.strip() for level in category.split(SEPARATOR.strip())]
    for depth in range(len(levels), 0, -1):
        yield SEPARATOR.join(levels[:depth])
