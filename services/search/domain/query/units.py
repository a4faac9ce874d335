"""Sizes in a query: "64 gb", "64GB" and "64 gigabytes" ask for one thing, and 2 l are 2000 ml."""

import re
from collections.abc import Mapping
from typing import Final

from services.search.domain.ports import Word
from services.search.domain.text import words

_SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "tb": ("tb", "terabyte", "terabytes"),
    "gb": ("gb", "gigabyte", "gigabytes"),
    "mb": ("mb", "megabyte", "megabytes"),
    "kg": ("kg", "kilogram", "kilograms", "kilo", "kilos", "公斤", "千克"),
    "g": ("g", "gram", "grams", "克"),
    "mg": ("mg", "milligram", "milligrams", "毫克"),
    "l": ("l", "liter", "liters", "litre", "litres", "升"),
    "ml": ("ml", "milliliter", "milliliters", "millilitre", "millilitres", "毫升"),
    "oz": ("oz", "ounce", "ounces", "盎司"),
    "lb": ("lb", "lbs", "pound", "pounds", "磅"),
    "gal": ("gal", "gallon", "gallons"),
    "inch": ("inch", "inches", "in", '"', "″", "英寸", "寸"),
    "m": ("m", "meter", "meters", "metre", "metres", "米"),
    "cm": ("cm", "centimeter", "centimeters", "centimetre", "厘米"),
    "mm": ("mm", "millimeter", "millimeters", "毫米"),
    "ft": ("ft", "foot", "feet"),
    "w": ("w", "watt", "watts", "瓦"),
    "v": ("v", "volt", "volts", "伏"),
    "mah": ("mah", "毫安"),
    "hz": ("hz", "hertz"),
    "mhz": ("mhz",),
    "ghz": ("ghz",),
    "mp": ("mp", "megapixel", "megapixels", "万像素"),
    "pack": ("pack", "packs", "pk", "pcs", "ct", "count", "包"),
}
# The index stems, so that a plural is found by its singular.
_SHOWN: Final = {
    unit: [name for name in names if name not in '"″' and name[:-1] not in names]
    for unit, names in _SPELLINGS.items()
}
_UNIT_OF: Final = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings}
_LARGER: Final = {"gb": ("tb", 1_000), "g": ("kg", 1_000), "ml": ("l", 1_000), "cm": ("m", 100)}
_SMALLER: Final = {larger: (smaller, factor) for smaller, (larger, factor) in _LARGER.items()}

UNIT: Final = "|".join(sorted(map(re.escape, _UNIT_OF), key=len, reverse=True))
"""A pattern of every unit, longest first."""

# "in" after a space is more often the preposition: "top 10 in stock".
SIZE: Final = re.compile(
    rf"(?<![\w.,])(\d+(?:[.,]\d+)?)(?:\s*-?\s*(?!in\b)({UNIT})|(in))(?![a-z])", re.IGNORECASE
)
"""A number with its unit, as groups 1 and 2, or 1 and 3."""


def size(found: re.Match[str]) -> Word:
    """All that counts as the size that SIZE found, as typed first."""
    number = found[1].replace(",", ".")
    unit = _UNIT_OF[(found[2] or found[3]).casefold()]
    sizes = [(number, unit), *_converted(float(number), unit)]
    texts = [f"{value}{space}{name}" for value, of in sizes for name in _SHOWN[of] for space in ("", " ")]
    return tuple(dict.fromkeys(" ".join(words(text)) for text in (found[0].rstrip('"″'), *texts)))


def _converted(number: float, unit: str) -> list[tuple[str, str]]:
    """The size in the next unit up and down, where that is a whole number or the next size down."""
    found = []
    if unit in _LARGER and number % _LARGER[unit][1] == 0:
        found.append((f"{number / _LARGER[unit][1]:g}", _LARGER[unit][0]))
    if unit in _SMALLER:
        found.append((f"{number * _SMALLER[unit][1]:g}", _SMALLER[unit][0]))
    return found
