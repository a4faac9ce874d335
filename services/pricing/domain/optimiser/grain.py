"""The smallest step of a currency's prices (ISO 4217): mostly a cent, a yen, a thousandth of a dinar."""

from typing import Final

from services.pricing.domain.limits import MICROS

_STEPS: Final = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"), MICROS),
    **dict.fromkeys(("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), MICROS),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), MICROS // 1_000),
}


def grain(currency: str) -> int:
    """The step in micros."""
    return _STEPS.get(currency, MICROS // 100)


def rounded(micros: float, currency: str) -> int:
    """The nearest amount that can be asked, one step at least."""
    step = grain(currency)
    return max(1, round(micros / step)) * step
