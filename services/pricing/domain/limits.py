"""Every limit and period of pricing, in one place."""

from typing import Final

MICROS: Final = 1_000_000
"""Micros in one unit of a currency; also parts in a share: 200,000 of them are 20%."""

MAX_QUOTED: Final = 1_000
MAX_ENDINGS: Final = 10
MAX_PAGE_SIZE: Final = 1_000
DEFAULT_PAGE_SIZE: Final = 50
MAX_CATEGORY_BYTES: Final = 1_000
MAX_NAME_BYTES: Final = 200
MAX_NOTE_BYTES: Final = 1_000
MAX_CONSTRAINTS: Final = 20
MAX_MARKETS: Final = 20
"""Markets that may have policies: each keeps a price for every product."""

MAX_AMOUNT: Final = 10**9 * MICROS
"""The largest amount taken in: a thousand million units. Larger ones in the log count as not told."""

MAX_PRICE: Final = 9 * 10**18
"""The largest price that is ever made: a margin near 1 would ask for more than 64 bits hold."""

MAX_DAILY_STEP: Final = 100 * MICROS

DEFAULT_MARKET: Final = "default"

SECOND: Final = 1_000_000
"""Times are whole microseconds since 1970, UTC."""

DAY: Final = 86_400 * SECOND
WINDOW: Final = 30 * DAY
"""How far before a reduction the lowest price is looked for (EU directive 98/6/EC, article 6a)."""

CLAIM: Final = 30 * DAY
"""How long after its start a reduction may be announced; then the price is the ordinary one."""
