"""Policies: the bounds that prices must keep, and which of them applies to a product."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from services.pricing.domain.errors import InvalidValue, MixedCurrencies, TooManyItems
from services.pricing.domain.limits import (
    DEFAULT_MARKET,
    MAX_AMOUNT,
    MAX_CATEGORY_BYTES,
    MAX_DAILY_STEP,
    MAX_ENDINGS,
    MICROS,
)

Kind = Literal["product", "category", "market"]
SEPARATOR: Final = " > "


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


def category_path(text: str) -> str:
    """A category path in its one spelling. Raises InvalidValue."""
    levels = [level.strip() for level in text.split(SEPARATOR.strip())]
    if not all(levels) or len(text.encode()) > MAX_CATEGORY_BYTES or not text.isprintable():
        raise InvalidValue("a category path is levels joined by ' > '", field="policy.category")
    return SEPARATOR.join(levels)


def paths_above(category: str) -> Iterator[str]:
    """The path and all above it, deepest first: "A > B" gives "A > B", "A"."""
    levels = [level.strip() for level in category.split(SEPARATOR.strip())]
    for depth in range(len(levels), 0, -1):
        yield SEPARATOR.join(levels[:depth])


class Policies:
    """All policies. Never changed once made: a changed set is a new one."""

    def __init__(self, policies: Iterable[Policy] = ()) -> None:
        self._by_key = {policy.key: policy for policy in policies}
        self.markets: tuple[str, ...] = tuple(
            sorted({DEFAULT_MARKET, *(market for market, _, _ in self._by_key)})
        )
        """The markets that have prices: the default one and each that has a policy."""
        self.stepped = frozenset(policy.market for policy in self if policy.max_daily_step)
        """The markets where some policy bounds the daily step."""
        self._by_category = {market for market, kind, _ in self._by_key if kind == "category"}

    def __iter__(self) -> Iterator[Policy]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: tuple[str, str, str]) -> Policy | None:
        """The policy of exactly this market and scope."""
        return self._by_key.get(key)

    def having(self, policy: Policy) -> "Policies":
        """These, with one added or replaced."""
        return Policies([*(other for other in self if other.key != policy.key), policy])

    def of(self, market: str, product_id: str, categories: Sequence[str], currency: str) -> Policy | None:
        """The policy that applies to a product.

        The product's own, else that of its deepest category (of equally deep ones, the category the
        product names first), else the market's. One with bounds in another currency is passed over.
        """
        if not self._by_key:
            return None
        own = self._by_key.get((market, "product", product_id))
        if own and own.fits(currency):
            return own
        if market in self._by_category:
            paths = sorted(
                {path: None for category in categories for path in paths_above(category)},
                key=lambda path: -path.count(SEPARATOR),
            )
            for path in paths:
                found = self._by_key.get((market, "category", path))
                if found and found.fits(currency):
                    return found
        whole = self._by_key.get((market, "market", ""))
        return whole if whole and whole.fits(currency) else None
