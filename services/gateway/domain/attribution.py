"""The attribution token: names an answer, so that what was shown can be joined with what was done.

Plain text in base64url, neither signed nor secret: it holds no personal data, and who forges one only
mislabels events that they could invent anyway. At most 200 bytes.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from services.gateway.domain.errors import Refused

MOST: Final = 200
_RAW = MOST * 3 // 4
_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Attribution:
    """Which answer it was. `models` has what served each section; long ones are cut, `time` is in ms."""

    request_id: str
    page: str
    time: int
    models: tuple[tuple[str, str], ...] = ()

    def token(self) -> str:
        """The text that goes out with the page and comes back in events."""
        head = f"{_VERSION}|{self.request_id[:64]}|{self.page}|{self.time}|"
        room = _RAW - len(head.encode())
        share = max(0, room // max(1, len(self.models)) - 1)
        pairs = (f"{section}={model}".encode()[:share] for section, model in self.models)
        raw = head.encode() + b"|".join(pairs)
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parse(token: str) -> Attribution:
    """The answer that a token names. Raises Refused (INVALID_VALUE) for what is no token."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode(errors="ignore")
        version, request_id, page, time, *pairs = raw.split("|")
        if version != _VERSION:
            raise ValueError(version)
        models = tuple((left, right) for left, _, right in (pair.partition("=") for pair in pairs) if right)
        return Attribution(request_id, page, int(time), models)
    except (ValueError, binascii.Error):
        field = "attribution_token"
        raise Refused("INVALID_VALUE", "the attribution token was not made here", field=field) from None
