"""The ids of the house, typed, and the one check of what an id may be."""

import re
from typing import Final, NewType

from services.kit.errors import ServiceError

ProductId = NewType("ProductId", str)
UserId = NewType("UserId", str)
VisitorId = NewType("VisitorId", str)
SessionId = NewType("SessionId", str)
MessageId = NewType("MessageId", str)

MAX_ID_BYTES: Final = 128
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def check_id(value: str, field: str) -> None:
    """Raises ServiceError: REQUIRED (empty), TOO_LARGE (128 bytes), INVALID_VALUE (control characters)."""
    if not value:
        raise ServiceError("REQUIRED", f"{field} is required", field=field)
    if len(value) > MAX_ID_BYTES:
        raise ServiceError("TOO_LARGE", f"{field} is larger than {MAX_ID_BYTES} bytes", field=field)
    if _FORBIDDEN.search(value):
        raise ServiceError("INVALID_VALUE", f"{field} has control characters", field=field)
    if not value.isascii() and len(value.encode()) > MAX_ID_BYTES:
        raise ServiceError("TOO_LARGE", f"{field} is larger than {MAX_ID_BYTES} bytes", field=field)
