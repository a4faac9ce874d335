"""Page tokens: opaque, the same on every replica, and good for the one request they were made for."""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from hashlib import blake2b
from typing import Final

from services.search.domain.errors import InvalidPageToken
from services.search.domain.request import Request

_LAYOUT: Final = struct.Struct(">I8s8s")


def token(request: Request, offset: int) -> str:
    """The token of the page that begins at the offset."""
    mark = _mark(request)
    return urlsafe_b64encode(_LAYOUT.pack(offset, mark, _seal(offset, mark))).decode().rstrip("=")


def offset(request: Request) -> int:
    """Where the request's page begins: 0 without a token. Raises InvalidPageToken."""
    if not request.page_token:
        return 0
    try:
        packed = urlsafe_b64decode(request.page_token.encode("ascii") + b"==")
        begin, mark, seal = _LAYOUT.unpack(packed)
    except (ValueError, struct.error):
        raise InvalidPageToken("the token is not one of this service", "page_token") from None
    if seal != _seal(begin, mark):
        raise InvalidPageToken("the token is not one of this service", "page_token")
    if mark != _mark(request):
        raise InvalidPageToken("the token belongs to another request", "page_token")
    return int(begin)


def _mark(request: Request) -> bytes:
    """What tells a request from another: everything in it but the token."""
    return blake2b(repr(replace(request, page_token="")).encode(errors="replace"), digest_size=8).digest()


def _seal(begin: int, mark: bytes) -> bytes:
    """Catches tokens that were cut or mistyped; it keeps no secret, for a token grants nothing."""
    return blake2b(b"%d" % begin + mark, digest_size=8, person=b"aisle.search").digest()
