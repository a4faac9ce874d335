"""Which of the queries that shoppers typed may be offered to others.

A query is offered when different people typed it: at least two visitors and two users, where an event that
names only one of them counts as both. One person on two devices, or before and after signing in on one,
stays one. Whatever looks like an address or a number of a person is not even kept.
"""

import re
from hashlib import blake2b
from typing import Final

from services.search.domain.text import key

SHOPPERS: Final = 2
MAX_CHARACTERS: Final = 60
_PERSONAL: Final = re.compile(r"@|(\d[\s./-]?){7}")


def kept(query: str) -> str:
    """The query in its normal spelling; "" when it may never be offered."""
    normal = key(query)
    return "" if len(normal) > MAX_CHARACTERS or _PERSONAL.search(normal) else normal


def person(visitor_id: str, user_id: str) -> bytes:
    """The one whose queries may be shown again to this shopper: the signed-in user, else the device alone.

    So a device shows to nobody what a signed-in user of it typed.
    """
    return dict(searchers(visitor_id, user_id))["user"]


def searchers(visitor_id: str, user_id: str) -> tuple[tuple[str, bytes], ...]:
    """Who searched, as visitor and as user, hashed: a view counts people and need not know them."""
    visitor = f"v{visitor_id}" if visitor_id else f"u{user_id}"
    user = f"u{user_id}" if user_id else f"v{visitor_id}"
    return ("visitor", _hashed(visitor)), ("user", _hashed(user))


def _hashed(who: str) -> bytes:
    return blake2b(who.encode(), digest_size=8, person=b"aisle.query").digest()
