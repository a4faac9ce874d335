"""Money as people read it, and the rule that one currency stands where one is needed."""

import re
from collections.abc import Iterable
from typing import Final

from services.kit.errors import ServiceError

MICROS: Final = 1_000_000
_SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩"}
_DECIMALS: Final = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "VND": 0, "BHD": 3, "KWD": 3, "TND": 3}
_CODE: Final = re.compile(r"[A-Z]{3}")


def format_money(currency: str, micros: int) -> str:
    """Writes an amount: "$3.99", "-€1,250.00", "CHF 3.99"; rounded half away from zero to the minor unit."""
    decimals = _DECIMALS.get(currency, 2)
    unit = MICROS // 10**decimals
    whole, minor = divmod((abs(micros) + unit // 2) // unit, 10**decimals)
    sign = "-" if micros < 0 and (whole or minor) else ""
    fraction = f".{minor:0{decimals}d}" if decimals else ""
    return f"{sign}{_SYMBOLS.get(currency, f'{currency} ' if currency else '')}{whole:,}{fraction}"


def check_currency(currency: str, field: str) -> None:
    """Raises ServiceError: REQUIRED when empty, INVALID_VALUE when not three capital letters."""
    if not currency:
        raise ServiceError("REQUIRED", f"{field} is required", field=field)
    if not _CODE.fullmatch(currency):
        raise ServiceError("INVALID_VALUE", f"{field} is not three capital letters", field=field)


def one_currency(currencies: Iterable[str], field: str) -> str:
    """The currency that all have, empty ones aside, or "". Raises ServiceError MIXED_CURRENCIES."""
    found = {currency for currency in currencies if currency}
    if len(found) > 1:
        raise ServiceError("MIXED_CURRENCIES", f"{field} mixes {', '.join(sorted(found))}", field=field)
    return found.pop() if found else ""
