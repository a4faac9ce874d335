"""Between the proto's messages and the domain's words."""

from collections.abc import Sequence

from aisle.catalog.v1 import money_pb2, product_pb2
from aisle.vision.v1 import vision_pb2

from services.vision.domain.errors import InvalidValue
from services.vision.domain.image import Box
from services.vision.domain.product import Filter, Price
from services.vision.domain.seen import Label, Seen
from services.vision.domain.similar import Similar

DEFAULT_LABELS, MAX_LABELS = 5, 50
DEFAULT_PRODUCTS, MAX_PRODUCTS = 24, 200


def labels_wanted(request: vision_pb2.RecognizeImageRequest) -> int:
    """How many labels. Raises InvalidValue."""
    return _page_size(request.page_size, DEFAULT_LABELS, MAX_LABELS)


def products_wanted(request: vision_pb2.SearchByImageRequest) -> int:
    """How many products. Raises InvalidValue."""
    return _page_size(request.page_size, DEFAULT_PRODUCTS, MAX_PRODUCTS)


def box_of(request: vision_pb2.RecognizeImageRequest | vision_pb2.SearchByImageRequest) -> Box | None:
    """The part of the picture that is asked about, unchecked; None for all of it."""
    box = request.box
    return (box.left, box.top, box.right, box.bottom) if request.HasField("box") else None


def filter_of(message: product_pb2.ProductFilter) -> Filter:
    """The filter, unchecked."""
    return Filter(
        categories=tuple(message.categories),
        brands=tuple(message.brands),
        min_price=_price(message.min_price) if message.HasField("min_price") else None,
        max_price=_price(message.max_price) if message.HasField("max_price") else None,
        in_stock_only=message.in_stock_only,
    )


def recognized(seen: Seen, count: int) -> vision_pb2.RecognizeImageResponse:
    """The answer of RecognizeImage."""
    return vision_pb2.RecognizeImageResponse(
        labels=_labels(seen.top(count)),
        model_version=seen.model,
        unknown=seen.unknown,
        groups=_labels(seen.kinds(count)),
    )


def found(seen: Seen, products: Sequence[Similar]) -> vision_pb2.SearchByImageResponse:
    """The answer of SearchByImage."""
    return vision_pb2.SearchByImageResponse(
        products=[
            vision_pb2.SimilarProduct(
                product_id=product.product_id,
                similarity=product.similarity,
                duplicate_product_ids=product.duplicates,
            )
            for product in products
        ],
        labels=_labels(seen.top(DEFAULT_LABELS)),
        model_version=seen.model,
        unknown=seen.unknown,
    )


def _labels(labels: Sequence[Label]) -> list[vision_pb2.Label]:
    return [
        vision_pb2.Label(name=label.name, confidence=label.confidence, product_ids=label.product_ids)
        for label in labels
    ]


def _price(money: money_pb2.Money) -> Price:
    return Price(money.currency_code, money.amount_micros)


def _page_size(size: int, default: int, most: int) -> int:
    if size < 0:
        raise InvalidValue("page_size is 0 or more", "page_size")
    return min(size or default, most)
