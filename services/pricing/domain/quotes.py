"""The prices now, in memory: what QuotePrices answers from, without a query.

One product is one packed value of 37 bytes in a dict, so that a million products fit in about 200 MB, and
a reader sees a product's old price or its new one, never half of each.
"""

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import NamedTuple

from services.pricing.domain import reduction
from services.pricing.domain.account import State
from services.pricing.domain.errors import InvalidValue
from services.pricing.domain.pipeline import Rule
from services.pricing.domain.product import Basis

_PACKED = Struct("<3sBBqqqq")  # currency, basis, rule, price, list price, lowest, reduced
_NONE = -1
_BASES = {basis.value: basis for basis in Basis}
_RULES = {rule.value: rule for rule in Rule}


class Quote(NamedTuple):
    """What a product costs now.

    `list_price` is None where the catalogue tells none, `lowest` without a reduction.
    """

    product_id: str
    currency: str
    price: int
    list_price: int | None
    lowest: int | None
    discount_percent: int
    basis: Basis
    rule: Rule


def quote(product_id: str, state: State, now: int) -> Quote:
    """The quote of a state that has a price."""
    lowest = state.lowest if reduction.claimed(state.lowest, state.reduced, now) else None
    return Quote(
        product_id=product_id,
        currency=state.currency,
        price=state.price,
        list_price=state.list_price,
        lowest=lowest,
        discount_percent=0 if lowest is None else reduction.discount_percent(state.price, lowest),
        basis=state.basis,
        rule=state.rule,
    )


class Quotes:
    """The state of every product that is in the catalogue and has a price, by market."""

    def __init__(self) -> None:
        self._markets: dict[str, dict[str, bytes]] = {}

    def open(self, markets: Iterable[str]) -> None:
        """Makes markets known, so that they are not refused while no product has a price there."""
        for market in markets:
            self._markets.setdefault(market, {})

    def put(self, market: str, product_id: str, state: State) -> None:
        """Takes over a product's state; one that is not quotable is left out from now on."""
        products = self._markets.setdefault(market, {})
        if state.listed and state.basis is not Basis.NONE:
            products[product_id] = _pack(state)
        else:
            products.pop(product_id, None)

    def clear(self) -> None:
        """Forgets all prices, but no market."""
        for market in self._markets:
            self._markets[market] = {}

    def size(self, market: str) -> int:
        """How many products are priced in a market."""
        return len(self._markets.get(market, ()))

    def check(self, market: str) -> None:
        """Raises InvalidValue for a market that has no prices: no policy was ever set in it."""
        if market not in self._markets:
            message = "no prices are kept for this market; setting its first policy opens it"
            raise InvalidValue(message, field="market")

    def of(self, market: str, product_ids: Sequence[str], now: int) -> tuple[list[Quote], list[str]]:
        """The quotes in the order asked, and the products that have no price. Raises InvalidValue."""
        self.check(market)
        products = self._markets[market]
        quotes: list[Quote] = []
        unpriced: list[str] = []
        for product_id in product_ids:
            packed = products.get(product_id)
            if packed is None:
                unpriced.append(product_id)
            else:
                quotes.append(quote(product_id, _unpack(packed), now))
        return quotes, unpriced


def _pack(state: State) -> bytes:
    lowest = _NONE if state.lowest is None else state.lowest
    reduced = _NONE if state.reduced is None else state.reduced
    listed = _NONE if state.list_price is None else state.list_price
    currency = state.currency.encode()
    return _PACKED.pack(currency, state.basis, state.rule, state.price, listed, lowest, reduced)


def _unpack(packed: bytes) -> State:
    currency, basis, rule, price, listed, lowest, reduced = _PACKED.unpack(packed)
    return State(
        listed=True,
        basis=_BASES[basis],
        rule=_RULES[rule],
        currency=currency.decode(),
        price=price,
        list_price=None if listed == _NONE else listed,
        lowest=None if lowest == _NONE else lowest,
        reduced=None if reduced == _NONE else reduced,
    )
