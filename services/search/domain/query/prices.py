"""Prices in a query: "under 20", "between 5 and 10 dollars", "20元以下" become bounds, and leave the text."""

import re
from typing import Final, NamedTuple

from services.search.domain.product import MICROS
from services.search.domain.query.units import UNIT

_CURRENCIES: Final = {
    "USD": ("us$", "usd", "美元"),
    "EUR": ("€", "eur", "euros", "euro", "欧元"),
    "GBP": ("£", "gbp", "pounds sterling", "英镑"),
    "CNY": ("cny", "rmb", "yuan", "人民币"),
    "$": ("$", "dollars", "dollar", "bucks"),
    "¥": ("¥", "￥"),
    "元": ("元", "块钱", "块"),
}
_SHARED: Final = {
    "$": ("USD", "AUD", "CAD", "CLP", "COP", "HKD", "MXN", "NZD", "SGD", "TWD"),
    "¥": ("CNY", "JPY"),
    "元": ("CNY", "AUD", "CAD", "EUR", "HKD", "JPY", "KRW", "NZD", "SGD", "TWD", "USD"),
}
"""Signs and words of several currencies, the one that they mean in a shop of another currency first."""

_CODE_OF: Final = {name: code for code, names in _CURRENCIES.items() for name in names}
_MONEY: Final = "|".join(sorted(map(re.escape, _CODE_OF), key=len, reverse=True))

_NUMBER: Final = r"\d{1,7}(?:\.\d{1,2})?(?![\d.]*\d)"
_PLAIN: Final = (
    rf"(?:{_MONEY})?\s*{_NUMBER}(?:\s*(?:{_MONEY})(?![a-z]))?(?!\s*-?\s*(?:{UNIT})(?![a-z]))(?![a-z%])"
)
_NAMED: Final = rf"(?:(?:{_MONEY})\s*{_NUMBER}|{_NUMBER}\s*(?:{_MONEY})(?![a-z]))"
_TO: Final = r"\s*(?:-|–|to|and|到|至|~)\s*"

_MOST: Final = r"under|below|less than|cheaper than|lower than|no more than|not more than|低于|不超过|少于"
_LEAST: Final = r"over|above|more than|higher than|at least|高于|超过"
# A range, a highest and a lowest price. Without a currency a number is a price only after words that say so.
_RANGES: Final = (
    re.compile(rf"\bbetween\s+({_PLAIN})\s*(?:and|to|-|–)\s*({_PLAIN})", re.IGNORECASE),
    re.compile(rf"(?:\bfrom\s+)?((?:{_MONEY})?\s*{_NUMBER}){_TO}({_NAMED})", re.IGNORECASE),
    re.compile(rf"(?:\bfrom\s+)?({_NAMED}){_TO}({_PLAIN})", re.IGNORECASE),
)
_HIGHEST: Final = (
    re.compile(rf"(?:\b|(?<=\W))(?:{_MOST})\s*({_PLAIN})", re.IGNORECASE),
    re.compile(rf"\b(?:up to|at most|max|maximum)\s+({_NAMED})", re.IGNORECASE),
    re.compile(rf"({_NAMED})\s*(?:or less|以下|以内|之内)", re.IGNORECASE),
)
_LOWEST: Final = (
    re.compile(rf"(?:\b|(?<=\W))(?:{_LEAST})\s*({_PLAIN})", re.IGNORECASE),
    re.compile(rf"\b(?:from|min|minimum)\s+({_NAMED})", re.IGNORECASE),
    re.compile(rf"({_NAMED})\s*(?:or more|以上)", re.IGNORECASE),
)
_AMOUNT: Final = re.compile(_NUMBER)
_CURRENCY: Final = re.compile(_MONEY, re.IGNORECASE)


class PriceRange(NamedTuple):
    """Bounds in micros, both included.

    `currency` is empty when the query names none; it is "$", "¥" or "元" until it is told what shop it is in.
    """

    minimum: int | None = None
    maximum: int | None = None
    currency: str = ""

    def meant(self, shop: str) -> "PriceRange":
        """With the shop's own currency where that has the sign too: "$5" are Canadian dollars in Canada."""
        known = _SHARED.get(self.currency)
        return self._replace(currency=shop if shop in known else known[0]) if known else self


def take_price(text: str) -> tuple[str, PriceRange | None]:
    """The text without its price phrase, and the phrase's bounds; None when there is none."""
    for pattern in _RANGES:
        if found := pattern.search(text):
            low, high = sorted((_micros(found[1]), _micros(found[2])))
            return _cut(text, found), PriceRange(low, high, _currency(found[0]))
    maximum = _first(_HIGHEST, text)
    text = _cut(text, maximum)
    minimum = _first(_LOWEST, text)
    text = _cut(text, minimum)
    if maximum is None and minimum is None:
        return text, None
    named = _currency(" ".join(found[0] for found in (maximum, minimum) if found))
    return text, PriceRange(
        _micros(minimum[1]) if minimum else None, _micros(maximum[1]) if maximum else None, named
    )


def _first(patterns: tuple[re.Pattern[str], ...], text: str) -> re.Match[str] | None:
    return next((found for pattern in patterns if (found := pattern.search(text))), None)


def _cut(text: str, found: re.Match[str] | None) -> str:
    return text if found is None else f"{text[: found.start()]} {text[found.end() :]}".strip()


def _micros(text: str) -> int:
    found = _AMOUNT.search(text)
    assert found is not None, "every pattern of an amount has a number"
    return round(float(found[0]) * MICROS)


def _currency(text: str) -> str:
    found = _CURRENCY.search(text)
    return _CODE_OF[found[0].casefold()] if found else ""
