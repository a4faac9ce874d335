"""Asks the gateway for pages, and tells them as plain data, for people, for JSON and for the demo."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from aisle.catalog.v1 import product_pb2
from aisle.gateway.v1 import storefront_service_pb2 as pb
from aisle.gateway.v1.storefront_service_pb2_grpc import StorefrontServiceStub
from aisle.search.v1 import search_pb2
from google.protobuf.json_format import MessageToDict

from services.kit.money import format_money

FULL_NAME = "aisle.gateway.v1.StorefrontService"


@dataclass(frozen=True)
class Asked:
    """What a shopper looks at, from the command line."""

    user: str = ""
    visitor: str = ""
    query: str = ""
    product: str = ""
    lines: Sequence[tuple[str, int]] = ()
    image: bytes = b""
    box: tuple[float, float, float, float] | None = None
    categories: Sequence[str] = ()
    brands: Sequence[str] = ()
    facets: Sequence[str] = ()
    order_by: str = ""
    highlight: bool = False
    explain: bool = False
    exact: bool = False
    facet_prefixes: Mapping[str, str] = field(default_factory=dict)
    attributes: Sequence[search_pb2.AttributeFilter] = ()
    group_variants: bool = False
    page_size: int = 0
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def shopper(self) -> pb.Shopper:
        """Who asks."""
        return pb.Shopper(user_id=self.user, visitor_id=self.visitor)

    @property
    def filter(self) -> product_pb2.ProductFilter:
        """Which products may be answered."""
        return product_pb2.ProductFilter(categories=self.categories, brands=self.brands)


async def ask(channel: grpc.aio.Channel, name: str, asked: Asked, seconds: float) -> dict[str, Any]:
    """The page as plain data. Raises grpc.RpcError, and KeyError for a page that does not exist."""
    method, build = PAGES[name]
    stub: Any = StorefrontServiceStub(channel)
    answer = await getattr(stub, method)(build(asked), timeout=seconds)
    return told(name, answer)


def _home(asked: Asked) -> Any:
    return pb.GetHomePageRequest(shopper=asked.shopper, page_size=asked.page_size)


def _search(asked: Asked) -> Any:
    return pb.SearchProductsRequest(
        shopper=asked.shopper, query=asked.query, filter=asked.filter, page_size=asked.page_size,
        facet_keys=asked.facets, order_by=asked.order_by, highlight=asked.highlight, explain=asked.explain,
        exact=asked.exact, facet_prefixes=asked.facet_prefixes, attribute_filters=asked.attributes,
        group_variants=asked.group_variants,
    )  # fmt: skip


def _product(asked: Asked) -> Any:
    return pb.GetProductPageRequest(
        shopper=asked.shopper, product_id=asked.product, page_size=asked.page_size
    )


def _cart(asked: Asked) -> Any:
    lines = [pb.CartLine(product_id=product, quantity=pieces) for product, pieces in asked.lines]
    return pb.GetCartPageRequest(shopper=asked.shopper, lines=lines, page_size=asked.page_size)


def _image(asked: Asked) -> Any:
    left, top, right, bottom = asked.box or (0, 0, 0, 0)
    box = pb.Box(left=left, top=top, right=right, bottom=bottom) if asked.box else None
    return pb.SearchByImageRequest(
        shopper=asked.shopper, image=asked.image, filter=asked.filter, page_size=asked.page_size, box=box
    )


def _complete(asked: Asked) -> Any:
    return pb.CompleteQueryRequest(shopper=asked.shopper, prefix=asked.query, page_size=asked.page_size)


PAGES: dict[str, tuple[str, Callable[[Asked], Any]]] = {
    "home": ("GetHomePage", _home),
    "search": ("SearchProducts", _search),
    "product": ("GetProductPage", _product),
    "cart": ("GetCartPage", _cart),
    "image": ("SearchByImage", _image),
    "complete": ("CompleteQuery", _complete),
}


def told(name: str, answer: Any) -> dict[str, Any]:
    """An answer of StorefrontService as plain data; every page has the keys name and sections."""
    report: dict[str, Any] = {"name": name, "sections": []}
    if isinstance(answer, pb.CompleteQueryResponse):
        return {**report, "suggestions": list(answer.suggestions), "status": _status(answer.status)}
    report["sections"] = [_section(section) for section in answer.page.sections]
    report["latency_ms"] = _ms(answer.page.latency)
    report["attribution_token"] = answer.page.attribution_token
    if isinstance(answer, pb.SearchProductsResponse):
        report["total_size"] = answer.total_size
        report["next_page_token"] = answer.next_page_token
        report["facets"] = {f.key: {v.value: v.count for v in f.values} for f in answer.facets}
        report["corrected_query"] = answer.corrected_query
        report["lifted_conditions"] = list(answer.lifted_conditions)
        report["wider_total_size"] = answer.wider_total_size
        report["related_categories"] = list(answer.related_categories)
        report["related_queries"] = list(answer.related_queries)
        report["understanding"] = MessageToDict(answer.understanding, preserving_proto_field_name=True)
        report["redirect_uri"] = answer.redirect_uri
    if isinstance(answer, pb.GetCartPageResponse):
        report["total"] = _money(answer.total) if answer.HasField("total") else None
        report["missing_product_ids"] = list(answer.missing_product_ids)
    if isinstance(answer, pb.SearchByImageResponse):
        report["labels"] = [{"name": label.name, "confidence": label.confidence} for label in answer.labels]
    return report


def _section(section: pb.Section) -> dict[str, Any]:
    return {
        "id": section.id,
        "title": section.title,
        "status": _status(section.status),
        "served_by": section.served_by,
        "latency_ms": _ms(section.latency),
        "items": [_item(item) for item in section.items],
    }


def _item(item: pb.Item) -> dict[str, Any]:
    priced = item.HasField("price") and item.price.HasField("price")
    price = item.price
    return {
        "position": item.position,
        "product_id": item.product.id,
        "title": item.product.title,
        "brand": item.product.brand,
        "categories": list(item.product.categories),
        "price": _money(price.price) if priced else None,
        "list_price": _money(price.list_price) if price.HasField("list_price") else None,
        "lowest_price_30_days": _money(price.lowest_price_30_days)
        if price.HasField("lowest_price_30_days")
        else None,
        "discount_percent": price.discount_percent,
        "price_status": _status(price.status) if priced else None,
        "reason": item.reason,
        "score": item.score,
        "propensity": item.propensity,
        "quantity": item.quantity,
        "title_words": list(item.title_words),
        "score_parts": dict(item.score_parts),
        "variant_count": item.variant_count,
        "variant_product_ids": list(item.variant_product_ids),
    }


def _status(number: int) -> str:
    return pb.SectionStatus.Name(number).removeprefix("SECTION_STATUS_")  # type: ignore[arg-type]


def _money(money: Any) -> dict[str, Any]:
    text = format_money(money.currency_code, money.amount_micros)
    return {"currency_code": money.currency_code, "amount_micros": money.amount_micros, "text": text}


def _ms(duration: Any) -> float:
    return float(round(duration.seconds * 1e3 + duration.nanos / 1e6, 2))


def missing(page: dict[str, Any]) -> list[str]:
    """What a whole page would have and this one has not, in words; empty when it is whole."""
    if page["name"] == "complete":
        return [] if page["status"] == "OK" and page["suggestions"] else ["no suggestions"]
    wrong = [] if page["sections"] else ["no section"]
    for section in page["sections"]:
        if section["status"] != "OK":
            wrong.append(f"{section['id']} is {section['status']}")
        elif not section["items"]:
            wrong.append(f"{section['id']} is empty")
        if not section["served_by"]:
            wrong.append(f"{section['id']} does not say what served it")
        for item in section["items"]:
            lacks = [name for name in ("title", "price", "reason", "position") if not item[name]]
            if lacks:
                wrong.append(f"{item['product_id']} in {section['id']} has no {', '.join(lacks)}")
    return wrong
