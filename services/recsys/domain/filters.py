"""Which products a caller lets be answered."""

from dataclasses import dataclass

from services.recsys.domain.errors import CurrencyError, RequestError, TooManyError

MAX_FILTER_VALUES = 100
"""The most categories, and the most brands, of one filter."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Fields are joined by AND, the values inside one by OR; prices in micros of `currency`."""

    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    currency: str = ""
    min_price: int | None = None
    max_price: int | None = None
    in_stock_only: bool = False

    def __post_init__(self) -> None:
        """Raises TooManyError, or RequestError for a negative price."""
        for field in ("categories", "brands"):
            if len(getattr(self, field)) > MAX_FILTER_VALUES:
                raise TooManyError(f"a filter takes {MAX_FILTER_VALUES} {field}", f"filter.{field}")
        for field in ("min_price", "max_price"):
            price = getattr(self, field)
            if price is not None and price < 0:
                raise RequestError("a price is not negative", f"filter.{field}")
        if not self.currency and (self.min_price is not None or self.max_price is not None):
            raise RequestError("a price needs a currency", "filter.min_price")


def one_currency(low: str | None, high: str | None) -> str:
    """The currency of a price range, None for an open end. Raises CurrencyError when there are two."""
    if low is not None and high is not None and low != high:
        raise CurrencyError(f"a price range in {low} and {high}", "filter.max_price")
    return low or high or ""


EVERYTHING = Filter()
"""The filter that lets every product through."""
