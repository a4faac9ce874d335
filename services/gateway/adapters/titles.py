"""Search and completion over the titles in the gateway's own view, for when search does not answer."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from services.gateway.domain.calls import OWN_TOKEN
from services.gateway.domain.errors import Refused
from services.gateway.domain.filters import lets_through
from services.gateway.domain.model import Answer, Candidate, Card, Order, Status
from services.gateway.domain.ports import SearchQuery
from services.kit.views import Database

LOOKED_AT: Final = 1_000  # matches; what lies beyond is neither counted nor shown
WORDS: Final = 12
Cards = Callable[[Sequence[str]], Mapping[str, Card]]


def searched(database: Database, cards: Cards, query: SearchQuery) -> Answer:
    """Products whose title and brand have all the words, best first. Refused: INVALID_PAGE_TOKEN."""
    start = _start(query)
    # Attributes are not in this view: what they let through is not known, so nothing is.
    ids = [] if query.attribute_filters else _matches(database, query.text)
    known = cards(ids)
    through = [one for one in ids if one in known and lets_through(query.wanted, known[one])]
    if query.order is not Order.RELEVANCE:
        through = _by_price(through, known, descending=query.order is Order.PRICE_DESCENDING)
    page = through[start : start + query.size]
    more = start + len(page) < len(through)
    return Answer(
        tuple(Candidate(one, "Matches by title", -float(start + n)) for n, one in enumerate(page)),
        "gateway titles",
        Status.FALLBACK,
        total=len(through),
        next_token=f"{OWN_TOKEN}{start + len(page)}.{_mark(query)}" if more else "",
    )


def completed(database: Database, prefix: str, size: int) -> tuple[str, ...]:
    """Titles that begin with the prefix, whatever its case, in alphabetical order."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT DISTINCT title FROM products "
            "WHERE title COLLATE NOCASE >= ? AND title COLLATE NOCASE < ? "
            "ORDER BY title COLLATE NOCASE LIMIT ?",
            (prefix, prefix + "\U0010ffff", size),
        ).fetchall()
    return tuple(title for (title,) in rows)


def _matches(database: Database, text: str) -> list[str]:
    words = "".join(letter if letter.isalnum() else " " for letter in text).split()[:WORDS]
    with database.read() as connection:
        if not words:
            rows = connection.execute("SELECT id FROM products ORDER BY id LIMIT ?", (LOOKED_AT,)).fetchall()
            return [product_id for (product_id,) in rows] if not text.strip() else []
        match = " ".join(f'"{word}"' for word in words) + "*"
        rows = connection.execute(
            "SELECT products.id FROM titles JOIN products ON products.rowid = titles.rowid "
            "WHERE titles MATCH ? ORDER BY bm25(titles), products.id LIMIT ?",
            (match, LOOKED_AT),
        ).fetchall()
    return [product_id for (product_id,) in rows]


def _by_price(ids: Sequence[str], cards: Mapping[str, Card], *, descending: bool) -> list[str]:
    prices = {one: price.micros for one in ids if (price := cards[one].price)}
    priced = sorted(prices, key=lambda one: (-prices[one] if descending else prices[one], one))
    return [*priced, *(one for one in ids if one not in prices)]


def _mark(query: SearchQuery) -> str:
    """What the request was, without where it stands, so that a token serves no other request."""
    request = (query.text, query.wanted, query.order)
    return hashlib.blake2s(repr(request).encode(), digest_size=6).hexdigest()


def _start(query: SearchQuery) -> int:
    if not query.token:
        return 0
    number, _, mark = query.token.removeprefix(OWN_TOKEN).partition(".")
    if not number.isascii() or not number.isdigit() or len(number) > 6 or mark != _mark(query):
        raise Refused("INVALID_PAGE_TOKEN", "the page token belongs to another request", field="page_token")
    return int(number)
