"""All policies and stops of the shop, and which of them applies to a product."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from services.pricing.domain.limits import DEFAULT_MARKET
from services.pricing.domain.policy import SEPARATOR, Policy, paths_above
from services.pricing.domain.terms import Stop

Key = tuple[str, str, str]
T = TypeVar("T")


class Policies:
    """Never changed once made: a changed set is a new one."""

    def __init__(self, policies: Iterable[Policy] = (), stops: Iterable[Stop] = ()) -> None:
        self._by_key = {policy.key: policy for policy in policies}
        self._stops = {stop.key: stop for stop in stops}
        self.markets: tuple[str, ...] = tuple(
            sorted({DEFAULT_MARKET, *(market for market, _, _ in self._by_key)})
        )
        """The markets that have prices: the default one and each that has a policy."""
        self.stepped = frozenset(policy.market for policy in self if policy.max_daily_step)
        """The markets where some policy bounds the daily step."""
        self.deciding = frozenset(policy.market for policy in self if policy.mode.decides)
        """The markets where some policy lets approved prices count."""
        self.competing = frozenset(policy.market for policy in self if policy.competitor)
        """The markets where some policy looks at competitors."""
        self._by_category = {market for market, kind, _ in self._by_key if kind == "category"}

    def __iter__(self) -> Iterator[Policy]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: Key) -> Policy | None:
        """The policy of exactly this market and scope."""
        return self._by_key.get(key)

    def stop_at(self, key: Key) -> Stop | None:
        """The stop of exactly this market and scope."""
        return self._stops.get(key)

    def having(self, policy: Policy) -> "Policies":
        """These, with one added or replaced."""
        others = (other for other in self if other.key != policy.key)
        return Policies([*others, policy], self._stops.values())

    def stopped(self, key: Key, stop: Stop | None) -> "Policies":
        """These, with a stop set or lifted."""
        others = (other for other in self._stops.values() if other.key != key)
        return Policies(self, [*others, *([stop] if stop else ())])

    def of(self, market: str, product_id: str, categories: Sequence[str], currency: str) -> Policy | None:
        """The policy that applies to a product.

        The product's own, else that of its deepest category (of equally deep ones, the category the
        product names first), else the market's. One with bounds in another currency is passed over.
        """
        deep = market in self._by_category
        for policy in _covering(self._by_key, market, product_id, categories if deep else ()):
            if policy.fits(currency):
                return policy
        return None

    def stop_of(self, market: str, product_id: str, categories: Sequence[str]) -> Stop | None:
        """The most special stop that covers a product."""
        return next(_covering(self._stops, market, product_id, categories), None)


def _covering(
    by_key: Mapping[Key, T], market: str, product_id: str, categories: Sequence[str]
) -> Iterator[T]:
    """What covers a product, the most special first."""
    if not by_key:
        return
    paths = {path: None for category in categories for path in paths_above(category)}
    deepest = sorted(paths, key=lambda path: -path.count(SEPARATOR))
    scopes = [("product", product_id), *(("category", path) for path in deepest), ("market", "")]
    for kind, scope in scopes:
        if found := by_key.get((market, kind, scope)):
            yield found
