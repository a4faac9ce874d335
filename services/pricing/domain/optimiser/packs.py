"""Sizes as printed on packs ("16 OZ", "6 x 330 ml", "1.5L") to amounts that compare."""

import re
from typing import Final, NamedTuple

_GRAMS: Final = {"mg": 0.001, "g": 1.0, "gr": 1.0, "kg": 1000.0, "oz": 28.3495, "lb": 453.592, "lbs": 453.592}
_MILLILITRES: Final = {
    "ml": 1.0, "cl": 10.0, "dl": 100.0, "l": 1000.0, "lt": 1000.0, "floz": 29.5735, "pt": 473.176,
    "qt": 946.353, "gal": 3785.41,
}  # fmt: skip
_PIECES: Final = {"ct": 1.0, "pc": 1.0, "pcs": 1.0, "pk": 1.0, "ea": 1.0, "dz": 12.0}
_SCALES: Final = {"g": _GRAMS, "ml": _MILLILITRES, "piece": _PIECES}
_SIZE: Final = re.compile(r"(?:(\d+)\s*x\s*)?(\d+(?:[.,]\d+)?)\s*([a-z]+(?:\s*oz)?)\.?", re.IGNORECASE)


class Pack(NamedTuple):
    """How much is in a pack, in grams, millilitres or pieces."""

    amount: float
    unit: str


def pack(size: str) -> Pack | None:
    """What a printed size says; None where it says nothing that compares."""
    found = _SIZE.fullmatch(size.strip())
    if not found:
        return None
    count, number, name = found.groups()
    name = re.sub(r"\s", "", name.lower())
    for unit, scale in _SCALES.items():
        if name in scale:
            amount = int(count or 1) * float(number.replace(",", ".")) * scale[name]
            return Pack(amount, unit) if amount > 0 else None
    return None
