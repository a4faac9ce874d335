"""An experiment: which products, which prices, when chance changes them, and what has become of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from services.pricing.domain.errors import InvalidValue
from services.pricing.domain.experiment.design import Arm, Kind, arms, paired
from services.pricing.domain.limits import DAY, SECOND

HOUR: Final = 3_600 * SECOND
MOST_BLOCKS: Final = 1_000
LONGEST: Final = 365 * DAY
LEAST_PAIRS: Final = 5


class Status(IntEnum):
    """What has become of it, numbered as in the proto."""

    PENDING = 1
    RUNNING = 2
    ENDED = 3
    STOPPED = 4

    @property
    def over(self) -> bool:
        """Whether its prices hold no more."""
        return self >= Status.ENDED


class Tried(NamedTuple):
    """A product: its price in force when the experiment was asked for, the treatment's, and its cost, in
    micros.

    `units` and `revenue` are what it is expected to sell in a week at the price in force; 0 in a switchback.
    """

    product_id: str
    currency: str
    control: int
    treatment: int
    cost: int | None = None
    units: float = 0.0
    revenue: float = 0.0


class Timing(NamedTuple):
    """`blocks` of `block` microseconds; the first `washout` of each is not counted."""

    block: int
    blocks: int
    washout: int = 0


@dataclass(frozen=True, slots=True)
class Experiment:
    """Times are microseconds. In a product-level experiment products stand pair by pair, and there is one
    block.

    `position` is the last order of the log that was known when it began.
    """

    number: int
    market: str
    kind: Kind
    timing: Timing
    seed: int
    products: tuple[Tried, ...]
    proposer: str
    request_id: str
    created: int
    status: Status = Status.PENDING
    approver: str = ""
    began: int | None = None
    ended: int | None = None
    position: int = 0
    note: str = ""

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The units of each pair, by number: blocks of time, or places among `products`."""
        if self.kind is Kind.PRODUCTS:
            return [(at, at + 1) for at in range(0, len(self.products), 2)]
        return paired(self.timing.blocks, self.timing.block)

    def assignment(self) -> list[Arm]:
        """The arm of each unit."""
        found: dict[int, Arm] = {}
        for units, theirs in zip(self.pairs, arms(self.seed, len(self.pairs)), strict=True):
            found.update(zip(units, theirs, strict=True))
        return [found[unit] for unit in sorted(found)]

    def block_at(self, now: int) -> int:
        """The block that a moment lies in; below 0 before it began, `timing.blocks` or more after it."""
        return -1 if self.began is None else (now - self.began) // self.timing.block

    def ends(self, block: int) -> int:
        """When a block ends."""
        return (self.began or 0) + (block + 1) * self.timing.block


def timing(kind: Kind, block: int, blocks: int, washout: int) -> Timing:
    """When prices change. Raises InvalidValue for what no experiment can be made of."""
    if kind is Kind.PRODUCTS:
        blocks = 1
    elif not (2 * LEAST_PAIRS <= blocks <= MOST_BLOCKS and blocks % 2 == 0):
        message = f"block_count must be even, {2 * LEAST_PAIRS} to {MOST_BLOCKS}"
        raise InvalidValue(message, field="block_count")
    if not block >= HOUR or block * blocks > LONGEST:
        raise InvalidValue("a block lasts an hour at least, all of them a year at most", field="block")
    if not 0 <= washout <= block // 2:
        raise InvalidValue("washout must be 0 to half a block", field="washout")
    return Timing(block, blocks, washout)


def enough(kind: Kind, products: Sequence[Tried]) -> None:
    """Raises InvalidValue where too few products are left to try."""
    least = 2 * LEAST_PAIRS if kind is Kind.PRODUCTS else 1
    if len(products) < least:
        message = f"{least} products are needed whose price may be tried, there are {len(products)}"
        raise InvalidValue(message, field="scope")
