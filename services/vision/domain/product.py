"""What of a product decides whether it may be answered, and the filter that decides it."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.vision.domain.errors import InvalidValue, MixedCurrencies, TooManyItems

MAX_FILTER_VALUES = 100
LEVEL = " > "


@dataclass(frozen=True, slots=True)
class Price:
    """An exact amount, in millionths of the currency's unit."""

    currency: str
    micros: int


@dataclass(frozen=True, slots=True)
class Product:
    """A product, as filters see it; `price` is None when the catalogue lists none.

    `primary` is the id that all variants of one product share; "" is the product's own.
    """

    id: str
    categories: Sequence[str] = ()
    brand: str = ""
    price: Price | None = None
    purchasable: bool = True
    primary: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """Fields are joined by AND, the values inside one by OR; the empty filter lets everything through."""

    categories: Sequence[str] = ()
    brands: Sequence[str] = ()
    min_price: Price | None = None
    max_price: Price | None = None
    in_stock_only: bool = False

    def check(self) -> None:
        """Raises a RequestError for what makes no sense."""
        for name, values in (("categories", self.categories), ("brands", self.brands)):
            if len(values) > MAX_FILTER_VALUES:
                raise TooManyItems(f"at most {MAX_FILTER_VALUES} {name} are allowed", f"filter.{name}")
        for name, price in (("min_price", self.min_price), ("max_price", self.max_price)):
            if price is not None and (price.micros < 0 or len(price.currency) != 3):
                raise InvalidValue("a price is 0 or more, in a currency of three letters", f"filter.{name}")
        if self.min_price and self.max_price:
            if self.min_price.currency != self.max_price.currency:
                raise MixedCurrencies("the price range has two currencies", "filter.max_price")
            if self.min_price.micros > self.max_price.micros:
                raise InvalidValue("the lowest price is above the highest", "filter.max_price")

    def passes(self, product: Product) -> bool:
        """Whether a product is let through; one without a price is inside no price range."""
        return (
            (not self.categories or any(_inside(c, f) for c in product.categories for f in self.categories))
            and (not self.brands or product.brand.casefold() in {brand.casefold() for brand in self.brands})
            and (self.min_price is None or _at_least(product.price, self.min_price))
            and (self.max_price is None or _at_least(self.max_price, product.price))
            and (product.purchasable or not self.in_stock_only)
        )


def _inside(category: str, ancestor: str) -> bool:
    return category == ancestor or category.startswith(ancestor + LEVEL)


def _at_least(price: Price | None, least: Price | None) -> bool:
    if price is None or least is None:
        return False
    return price.currency == least.currency and price.micros >= least.micros
