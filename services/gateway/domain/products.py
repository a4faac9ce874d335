"""Which products may be written: the limits of catalog.v1.Product, in the order of its fields."""

import re
from typing import NamedTuple

from services.gateway.domain import limits
from services.gateway.domain.checks import (
    check_count,
    check_id,
    check_money,
    check_one_currency,
    check_optional_id,
    check_size,
)
from services.gateway.domain.errors import Refused
from services.gateway.domain.model import Money

_GTIN = re.compile("[0-9]{1,14}")
_LANGUAGE = re.compile("[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_AVAILABILITIES = range(4)
_ALLOWED_URIS = ("file:", "https:")
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799  # years 1 to 9999, as Timestamp allows


class ProductDraft(NamedTuple):
    """A product as it was sent; `image_uris` has "" for encoded bytes, None for an image without source."""

    id: str
    title: str
    description: str
    categories: tuple[str, ...]
    price: Money | None
    cost: Money | None
    availability: int
    available_quantity: int
    image_uris: tuple[str | None, ...]
    attribute_names: tuple[str, ...]
    gtin: str
    language_code: str
    available_seconds: int
    primary_product_id: str
    size: int


def check_product(product: ProductDraft) -> None:
    """Raises Refused for the first thing that is wrong."""
    check_id(product.id, "id")
    if product.size > limits.PRODUCT:
        raise Refused("TOO_LARGE", f"the product must have at most {limits.PRODUCT} bytes")
    _check_text(product)
    _check_prices(product)
    _check_stock(product)
    _check_images(product)
    _check_codes(product)


def _check_text(product: ProductDraft) -> None:
    if not product.title.strip():
        raise Refused("REQUIRED", "title is required", field="title")
    check_size(product.title, limits.TITLE, "title")
    check_size(product.description, limits.DESCRIPTION, "description")
    check_count(product.categories, limits.CATEGORIES, "categories", "TOO_LARGE")
    for index, path in enumerate(product.categories):
        if not all(level.strip() for level in path.split(" > ")):
            field = f"categories[{index}]"
            raise Refused("INVALID_VALUE", f"{field} must not have empty levels", field=field)
    check_count(product.attribute_names, limits.ATTRIBUTES, "attributes", "TOO_LARGE")


def _check_prices(product: ProductDraft) -> None:
    if product.price:
        check_money(product.price, "price")
    if product.cost:
        check_money(product.cost, "cost")
        check_one_currency((product.price, product.cost), "cost.currency_code")


def _check_stock(product: ProductDraft) -> None:
    if product.availability not in _AVAILABILITIES:
        raise Refused("INVALID_VALUE", "availability is none that the proto names", field="availability")
    if product.available_quantity < 0:
        field = "available_quantity"
        raise Refused("INVALID_VALUE", "available_quantity must not be negative", field=field)


def _check_images(product: ProductDraft) -> None:
    check_count(product.image_uris, limits.IMAGES, "images", "TOO_LARGE")
    for index, uri in enumerate(product.image_uris):
        if uri is None:
            field = f"images[{index}]"
            raise Refused("REQUIRED", f"{field} needs a uri or content", field=field)
        if uri and not uri.startswith(_ALLOWED_URIS):
            field = f"images[{index}].uri"
            raise Refused("INVALID_VALUE", f"{field} must be a file: or https: address", field=field)


def _check_codes(product: ProductDraft) -> None:
    if product.gtin and not _GTIN.fullmatch(product.gtin):
        raise Refused("INVALID_VALUE", "gtin must be 1 to 14 digits", field="gtin")
    if product.language_code and not _LANGUAGE.fullmatch(product.language_code):
        raise Refused("INVALID_VALUE", "language_code must be a BCP 47 tag", field="language_code")
    if not FIRST_SECOND <= product.available_seconds <= LAST_SECOND:
        field = "available_time"
        raise Refused("INVALID_VALUE", "available_time must lie in years 1 to 9999", field=field)
    check_optional_id(product.primary_product_id, "primary_product_id")
