"""Prices of other shops, and where our own must lie beside them: the same, below, or not far apart.

A price counts from when it was seen until it is too old for the policy that looks at it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from services.pricing.domain.errors import InvalidValue
from services.pricing.domain.limits import DAY, MAX_PRICE, MICROS, SECOND

DEFAULT_AGE: Final = 7 * DAY
LONGEST_AGE: Final = 90 * DAY
AHEAD: Final = 300 * SECOND
"""How far a watcher's clock may run before ours."""


class Following(IntEnum):
    """How a price follows a competitor's, numbered as in the proto."""

    MATCH = 1
    BEAT = 2
    WITHIN = 3


class Rival(NamedTuple):
    """What a competitor asked for a product: an amount in micros, and when that was seen."""

    competitor: str
    currency: str
    price: int
    time: int

    @property
    def rank(self) -> tuple[int, int]:
        """The greater one stays: the newest, and of one time the lowest."""
        return self.time, -self.price


@dataclass(frozen=True, slots=True)
class CompetitorRule:
    """`by` is a share in millionths, `competitor` "" for the lowest of all, `max_age` in microseconds."""

    kind: Following
    by: int = 0
    competitor: str = ""
    max_age: int = DEFAULT_AGE

    def bounds(self, price: int) -> tuple[int, int]:
        """The lowest and the highest price that the rule allows beside a competitor's."""
        if self.kind is Following.MATCH:
            return price, price
        low = -(-price * (MICROS - self.by) // MICROS)
        if self.kind is Following.BEAT:
            return 0, price * (MICROS - self.by) // MICROS
        return low, max(low, min(MAX_PRICE, price * (MICROS + self.by) // MICROS))

    def counting(self, known: Iterable[Rival], currency: str, at: int) -> Rival | None:
        """The price that the rule goes by at a moment: the lowest, or the named shop's, if not too old."""
        fresh = (
            rival
            for rival in known
            if rival.currency == currency
            and self.competitor in ("", rival.competitor)
            and at < rival.time + self.max_age
        )
        return min(fresh, key=lambda rival: (rival.price, rival.competitor), default=None)


def competitor_rule(kind: int, by: int, competitor: str, max_age: int | None) -> CompetitorRule:
    """A rule to set. Raises InvalidValue."""
    field = "policy.competitor_rule"
    try:
        following = Following(kind)
    except ValueError:
        raise InvalidValue("no kind of rule has this number", field=f"{field}.kind") from None
    if following is not Following.MATCH and not by:
        raise InvalidValue("by must be over 0", field=f"{field}.by")
    age = DEFAULT_AGE if max_age is None else max_age
    if not 0 < age <= LONGEST_AGE:
        raise InvalidValue("max_age must be over 0, to 90 days", field=f"{field}.max_age")
    return CompetitorRule(following, 0 if following is Following.MATCH else by, competitor, age)


def check_time(seen: int, now: int) -> None:
    """Raises InvalidValue for a time that lies ahead, or too far back to count for any policy."""
    if seen > now + AHEAD:
        raise InvalidValue("observe_time lies more than five minutes ahead", field="observe_time")
    if seen <= now - LONGEST_AGE:
        raise InvalidValue("observe_time lies more than 90 days back", field="observe_time")
