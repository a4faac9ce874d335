"""The services behind the gateway, in memory and simple, for tests and examples; they pass the same suite."""
# ruff: noqa: ASYNC109 - as the ports have it

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.gateway.domain.errors import Refused
from services.gateway.domain.filters import lets_through
from services.gateway.domain.model import (
    IN_STOCK,
    Answer,
    Candidate,
    Card,
    Filter,
    Label,
    Money,
    Order,
    Placement,
    Quote,
    Shopper,
    Status,
)
from services.gateway.domain.ports import Box, SearchQuery

NOT_A_PICTURE = b"not a picture"


@dataclass
class Shop:
    """What all four know: products by id, the most popular first, and what each user bought."""

    cards: dict[str, Card] = field(default_factory=dict)
    bought: dict[str, tuple[str, ...]] = field(default_factory=dict)
    labels: tuple[Label, ...] = (Label("milk", 0.9),)
    pictures: tuple[str, ...] = ()  # the products that look like any picture

    def through(self, wanted: Filter) -> list[str]:
        """The products that a filter lets through, the most popular first."""
        return [card.id for card in self.cards.values() if lets_through(wanted, card)]


class MemoryRecommender:
    """Popularity, backwards in NEW; what the user bought comes back in BUY_AGAIN and nowhere else."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def recommend(
        self,
        placement: Placement,
        shopper: Shopper,
        timeout: float,
        *,
        size: int,
        context: Sequence[str] = (),
        wanted: Filter = IN_STOCK,
    ) -> Answer:
        """See Recommender.recommend."""
        bought = self._shop.bought.get(shopper.user_id, ())
        again, home = placement is Placement.BUY_AGAIN, placement is Placement.HOME
        ids = [one for one in self._shop.through(wanted) if one not in context]
        ids = ids[::-1] if placement is Placement.NEW else ids
        chosen = [one for one in ids if (one in bought if again else not home or one not in bought)]
        status = Status.FALLBACK if home and not bought else Status.OK
        return replace(_ranked(chosen[:size]), status=status)

    async def similar(
        self, product_id: str, timeout: float, *, size: int, wanted: Filter = IN_STOCK
    ) -> Answer:
        """See Recommender.similar: products of the same main category."""
        if not (mine := self._shop.cards.get(product_id)):
            return _ranked([])
        cards = [self._shop.cards[one] for one in self._shop.through(wanted) if one != product_id]
        return _ranked([card.id for card in cards if card.categories[:1] == mine.categories[:1]][:size])

    async def rank(self, shopper: Shopper, product_ids: Sequence[str], timeout: float) -> Answer:
        """See Recommender.rank: what was bought comes first."""
        bought = self._shop.bought.get(shopper.user_id, ())
        return _ranked(sorted(product_ids, key=lambda one: one not in bought))


def _ranked(ids: Sequence[str]) -> Answer:
    return Answer(tuple(Candidate(one, "Popular", 1 / n) for n, one in enumerate(ids, 1)), "recsys memory-1")


class MemorySearcher:
    """Products whose titles have every word."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def search(self, query: SearchQuery, timeout: float) -> Answer:
        """See Searcher.search."""
        if query.token and not query.token.isdigit():
            raise Refused("INVALID_PAGE_TOKEN", "not a token of ours", field="page_token")
        words, start = query.text.lower().split(), int(query.token or 0)
        cards = [self._shop.cards[one] for one in self._shop.through(query.wanted)]
        found = _titled(cards, words)
        wider = [] if found or not query.wanted.brands else _titled(self._shop.cards.values(), words)
        if query.order is not Order.RELEVANCE:
            prices = {card.id: card.price.micros if card.price else 0 for card in cards}
            found.sort(key=lambda one: prices[one], reverse=query.order is Order.PRICE_DESCENDING)
        page = found[start : start + query.size]
        reason = f"Matches “{query.text}”"
        return Answer(
            tuple(Candidate(one, reason, 1 / n) for n, one in enumerate(page, 1)),
            "search lexical",
            total=len(found),
            next_token=str(start + len(page)) if start + len(page) < len(found) else "",
            lifted=("brands",) if wider else (),
            wider_total=len(wider),
        )

    async def complete(self, shopper: Shopper, prefix: str, size: int, timeout: float) -> tuple[str, ...]:
        """See Searcher.complete: titles of what was bought stand for own past queries."""
        bought = self._shop.bought.get(shopper.user_id, ())
        cards = sorted(self._shop.cards.values(), key=lambda card: (card.id not in bought, card.title))
        titles = (card.title.lower() for card in cards)
        return tuple(title for title in titles if title.startswith(prefix.lower()))[:size]

    async def related(self, text: str, size: int, timeout: float) -> tuple[str, ...]:
        """See Searcher.related: other titles with its first word."""
        first = text.lower().split()[:1]
        titles = (self._shop.cards[one].title.lower() for one in _titled(self._shop.cards.values(), first))
        return tuple(title for title in titles if first and title != text.lower())[:size]


def _titled(cards: Iterable[Card], words: Sequence[str]) -> list[str]:
    return [card.id for card in cards if all(word in card.title.lower() for word in words)]


class MemoryLooker:
    """Sees the shop's labels in every picture."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def look(
        self, image: bytes, wanted: Filter, size: int, timeout: float, box: Box | None = None
    ) -> Answer:
        """See Looker.look. The lower half of a picture shows nothing that the shop has."""
        if image == NOT_A_PICTURE:
            raise Refused("UNREADABLE_IMAGE", "this is not a picture", field="image")
        ids = [one for one in self._shop.through(wanted) if one in self._shop.pictures]
        ids = [] if box and box[1] >= 0.5 else ids
        candidates = tuple(Candidate(one, score=0.5) for one in ids[:size])
        return Answer(candidates, "vision memory-1", labels=self._shop.labels)


class MemoryPricer:
    """Takes a tenth off the list price."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def quote(self, product_ids: Sequence[str], timeout: float) -> Mapping[str, Quote]:
        """See Pricer.quote."""
        cards = [self._shop.cards[one] for one in product_ids if one in self._shop.cards]
        lists = {card.id: card.price for card in cards if card.price}
        return {
            one: Quote(Money(price.currency, price.micros * 9 // 10), price) for one, price in lists.items()
        }
