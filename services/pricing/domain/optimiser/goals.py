"""What a policy wants of prices, and what they must keep among each other."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from services.pricing.domain.errors import InvalidValue, TooManyItems
from services.pricing.domain.limits import MICROS

DEFAULT_STEP: Final = 100_000
LARGEST_STEP: Final = 500_000
LARGEST_GAP: Final = 10 * MICROS
MOST_WEEKS: Final = 52
MOST_LADDERS: Final = 20


class Objective(IntEnum):
    """What prices are to bring, numbered as in the proto."""

    MARGIN = 1
    REVENUE = 2
    UNITS = 3
    CLEARANCE = 4


class Ladder(NamedTuple):
    """Packs of one size of the premium brand cost at least the gap (in millionths) more than the other's."""

    premium: str
    value: str
    gap: int


@dataclass(frozen=True, slots=True)
class Goals:
    """Shares are millionths, times microseconds; see PricingGoals in the proto for each.

    `max_margin_loss` None and `max_mean_change` 0 are no limit, `stock_weeks` 0 does not look at stock.
    """

    objective: Objective = Objective.MARGIN
    clear_until: int = 0
    max_step: int = DEFAULT_STEP
    stock_weeks: int = 0
    ignore_sizes: bool = False
    ladders: tuple[Ladder, ...] = ()
    max_mean_change: int = 0
    max_margin_loss: int | None = None
    announcement_value: int = 0
    keep_reference_until: int = 0


def objective(number: int, field: str) -> Objective:
    """An objective, MARGIN for none. Raises InvalidValue."""
    try:
        return Objective(number or Objective.MARGIN)
    except ValueError:
        raise InvalidValue("no objective has this number", field=field) from None


def checked(goals: Goals, field: str) -> Goals:
    """Goals whose shares were read one by one. Raises InvalidValue, TooManyItems."""
    if goals.objective is Objective.CLEARANCE and not goals.clear_until:
        raise InvalidValue("clearance needs a day", field=f"{field}.clear_until")
    if not 0 < goals.max_step <= LARGEST_STEP:
        raise InvalidValue("max_step must be over 0, to 0.5", field=f"{field}.max_step")
    if not 0 <= goals.stock_weeks <= MOST_WEEKS:
        raise InvalidValue(f"stock_weeks must be 0 to {MOST_WEEKS}", field=f"{field}.stock_weeks")
    if len(goals.ladders) > MOST_LADDERS:
        raise TooManyItems(f"at most {MOST_LADDERS} ladders", field=f"{field}.ladders")
    return goals


def ladder(premium: str, value: str, gap: int, field: str) -> Ladder:
    """A ladder, its gap in millionths. Raises InvalidValue."""
    if not premium or not value or premium.casefold() == value.casefold():
        raise InvalidValue("a ladder is between two brands", field=field)
    return Ladder(premium, value, gap)
