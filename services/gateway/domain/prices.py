"""Price tags for a page: one quote for all its products, an earlier quote, or the catalogue's list price."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Final

from services.gateway.domain import limits
from services.gateway.domain.errors import BackendError, Refused
from services.gateway.domain.model import Card, Item, Money, PriceTag, Quote, Status
from services.gateway.domain.ports import Pricer

KEPT: Final = 20_000  # quotes
KEPT_SECONDS: Final = 600.0


class PriceTags:
    """Asks pricing, and remembers what it said for when it does not answer."""

    def __init__(self, pricer: Pricer, clock: Callable[[], float] = monotonic) -> None:
        self._pricer = pricer
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, Quote]] = OrderedDict()

    async def of(self, cards: Mapping[str, Card], timeout: float) -> Mapping[str, PriceTag]:  # noqa: ASYNC109
        """A tag for each product that anybody knows a price of; `timeout` in seconds."""
        quotes = await self._quotes(list(cards), timeout) if cards else {}
        tags = {}
        for product_id, card in cards.items():
            if quote := quotes.get(product_id):
                tags[product_id] = PriceTag(quote, Status.OK)
            elif earlier := self._earlier(product_id):
                tags[product_id] = PriceTag(earlier, Status.STALE)
            elif card.price:
                tags[product_id] = PriceTag(Quote(card.price, card.price), Status.FALLBACK)
        return tags

    async def _quotes(self, product_ids: list[str], timeout: float) -> Mapping[str, Quote]:  # noqa: ASYNC109
        quotes: dict[str, Quote] = {}
        try:
            for start in range(0, len(product_ids), limits.ITEMS):  # one call, but for the largest carts
                quotes |= await self._pricer.quote(product_ids[start : start + limits.ITEMS], timeout)
        except (BackendError, Refused):
            pass  # the tags of those without a quote say so
        now = self._clock()
        for product_id, quote in quotes.items():
            self._kept[product_id] = (now, quote)
            self._kept.move_to_end(product_id)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return quotes

    def _earlier(self, product_id: str) -> Quote | None:
        came, quote = self._kept.get(product_id, (0.0, None))
        return quote if quote and self._clock() - came <= KEPT_SECONDS else None


def total(items: Iterable[Item]) -> Money | None:
    """The sum over the items that have a price; None when they have none, or not one currency."""
    sums: dict[str, int] = {}
    for item in items:
        if item.tag:
            price = item.tag.quote.price
            sums[price.currency] = sums.get(price.currency, 0) + price.micros * item.candidate.quantity
    if len(sums) != 1:
        return None
    ((currency, micros),) = sums.items()
    return Money(currency, micros) if micros <= limits.INT64_MAX else None
