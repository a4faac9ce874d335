"""Page tokens: opaque, the same on every replica, and good for the one request they were made for.

A token tells what was shown, so that no change of the catalogue between two pages shows a product twice or
skips one: in an order of relevance a mark of each product, in an order of price or id the place of the last.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

from services.search.domain.errors import InvalidPageToken
from services.search.domain.ports import Place
from services.search.domain.request import Request

MOST_MARKED: Final = 1_000
"""Products shown whose marks a token holds; beyond, it tells their number alone."""

_SHORT: Final = 8
_MARK: Final = 5
"""Bytes of a product's mark: two products of a thousand share one once in two million answers."""

_COUNT: Final = 4


@dataclass(frozen=True, slots=True)
class Shown:
    """How many products were shown, and the marks of them while they are few."""

    count: int = 0
    marks: frozenset[bytes] = frozenset()

    def __contains__(self, product_id: str) -> bool:
        """Whether the product was shown, as far as its marks are held."""
        return bool(self.marks) and _mark(product_id) in self.marks

    @property
    def skipped(self) -> int:
        """How many of an order are left out by their number, because there are no marks of them."""
        return 0 if self.marks else self.count

    def plus(self, product_ids: Iterable[str]) -> "Shown":
        """With these shown too."""
        new = [_mark(product_id) for product_id in product_ids]
        count = self.count + len(new)
        kept = count <= MOST_MARKED
        return Shown(count, self.marks.union(new) if kept else frozenset())


Position = Shown | Place
"""Where a page ended."""


def token(request: Request, position: Position) -> str:
    """The token of the page that follows."""
    body = _of(request) + _packed(position)
    return urlsafe_b64encode(_seal(body) + body).decode().rstrip("=")


def position(request: Request) -> Position | None:
    """Where the page before ended, None for the first page. Raises InvalidPageToken."""
    if not request.page_token:
        return None
    try:
        sealed = urlsafe_b64decode(request.page_token.encode("ascii") + b"==")
    except ValueError:
        raise InvalidPageToken("the token is not one of this service", "page_token") from None
    body = sealed[_SHORT:]
    if sealed[:_SHORT] != _seal(body):
        raise InvalidPageToken("the token is not one of this service", "page_token")
    if body[:_SHORT] != _of(request):
        raise InvalidPageToken("the token belongs to another request", "page_token")
    return _unpacked(body[_SHORT:])


def _packed(position: Position) -> bytes:
    if isinstance(position, Place):
        return b"p" + json.dumps(position, ensure_ascii=False).encode(errors="surrogatepass")
    return b"s" + position.count.to_bytes(_COUNT, "big") + b"".join(sorted(position.marks))


def _unpacked(packed: bytes) -> Position:
    kind, rest = packed[:1], packed[1:]
    if kind == b"p":
        return Place(*json.loads(rest.decode(errors="surrogatepass")))
    marks = rest[_COUNT:]
    return Shown(
        int.from_bytes(rest[:_COUNT], "big"),
        frozenset(marks[at : at + _MARK] for at in range(0, len(marks), _MARK)),
    )


def _mark(product_id: str) -> bytes:
    return blake2b(product_id.encode(errors="surrogatepass"), digest_size=_MARK).digest()


def _of(request: Request) -> bytes:
    """What tells a request from another: everything in it but the token."""
    told = repr(replace(request, page_token="")).encode(errors="replace")
    return blake2b(told, digest_size=_SHORT).digest()


def _seal(body: bytes) -> bytes:
    """Catches tokens that were cut or mistyped; it keeps no secret, for a token grants nothing."""
    return blake2b(body, digest_size=_SHORT, person=b"aisle.search").digest()
