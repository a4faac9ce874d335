"""Pages, products and events between their protos and the domain."""

from collections.abc import Sequence

from aisle.catalog.v1 import error_reason_pb2, money_pb2, product_pb2
from aisle.events.v1 import event_pb2
from aisle.gateway.v1 import catalog_service_pb2, storefront_service_pb2
from aisle.search.v1 import search_pb2, understanding_pb2
from google.protobuf.duration_pb2 import Duration

from services.gateway.domain.events import DetailDraft, EventDraft
from services.gateway.domain.model import (
    AttributeFilter,
    Candidate,
    Facet,
    Filter,
    Item,
    Label,
    Money,
    Page,
    PriceTag,
    Section,
    Shopper,
)
from services.gateway.domain.ports import Box, SearchQuery
from services.gateway.domain.products import ProductDraft
from services.gateway.domain.writing import Fault
from services.gateway.domain.writing import Item as WriteItem

_ID_FIELDS = ("order_id", "promotion_id", "coupon_id", "list_id", "segment")


def product_item(product: product_pb2.Product) -> WriteItem[ProductDraft]:
    """A product to write, as it goes into the log."""
    payload = product_pb2.ProductChange(upsert=product).SerializeToString()
    draft = ProductDraft(
        product.id,
        product.title,
        product.description,
        tuple(product.categories),
        money(product.price) if product.HasField("price") else None,
        money(product.cost) if product.HasField("cost") else None,
        product.availability,
        product.available_quantity,
        tuple(_image_uri(image) for image in product.images),
        tuple(product.attributes),
        product.gtin,
        product.language_code,
        product.available_time.seconds,
        product.primary_product_id,
        product.ByteSize(),
    )
    return WriteItem(product.id, draft, payload)


def _image_uri(image: product_pb2.Image) -> str | None:
    source = image.WhichOneof("source")
    return image.uri if source == "uri" and image.uri else "" if image.content else None


def tombstone_item(product_id: str) -> WriteItem[str]:
    """A product to delete, as it goes into the log."""
    return WriteItem(
        product_id, product_id, product_pb2.ProductChange(delete_id=product_id).SerializeToString()
    )


def event_item(event: event_pb2.Event) -> WriteItem[EventDraft]:
    """An event to write, as it goes into the log."""
    payload = event.SerializeToString()
    time = event.event_time
    draft = EventDraft(
        event.message_id,
        event.type,
        time.seconds + time.nanos / 1e9 if event.HasField("event_time") else None,
        event.visitor_id,
        event.user_id,
        event.session_id,
        tuple(
            DetailDraft(
                one.product_id,
                one.quantity,
                money(one.price) if one.HasField("price") else None,
                one.position,
            )
            for one in event.product_details
        ),
        event.search_query,
        tuple((field, value) for field in _ID_FIELDS if (value := getattr(event, field))),
        event.rating,
        len(payload),
    )
    return WriteItem(event.message_id, draft, payload)


def money(message: money_pb2.Money) -> Money:
    """An amount of money."""
    return Money(message.currency_code, message.amount_micros)


def faults(found: Sequence[Fault]) -> list[catalog_service_pb2.ItemError]:
    """What is wrong with each refused item."""
    return [
        catalog_service_pb2.ItemError(
            index=fault.index,
            id=fault.key,
            reason=error_reason_pb2.ErrorReason.Value(f"ERROR_REASON_{fault.error.reason}"),
            field=fault.error.field,
            message=str(fault.error),
        )
        for fault in found
    ]


def shopper(message: storefront_service_pb2.Shopper) -> Shopper:
    """Who asks."""
    return Shopper(message.visitor_id, message.user_id, message.session_id, message.segment)


def box(request: storefront_service_pb2.SearchByImageRequest) -> Box | None:
    """The part of the photograph that is asked about, unchecked; None for all of it."""
    part = request.box
    return (part.left, part.top, part.right, part.bottom) if request.HasField("box") else None


def wanted(message: product_pb2.ProductFilter) -> Filter:
    """Which products may be answered."""
    return Filter(
        tuple(message.categories),
        tuple(message.brands),
        money(message.min_price) if message.HasField("min_price") else None,
        money(message.max_price) if message.HasField("max_price") else None,
        message.in_stock_only,
    )


def search_query(request: storefront_service_pb2.SearchProductsRequest) -> SearchQuery:
    """What to search for, unchecked."""
    return SearchQuery(
        text=request.query,
        wanted=wanted(request.filter),
        size=request.page_size,
        token=request.page_token,
        facet_keys=tuple(request.facet_keys),
        facet_prefixes=tuple(sorted(request.facet_prefixes.items())),
        highlight=request.highlight,
        explain=request.explain,
        exact=request.exact,
        attribute_filters=tuple(map(_attribute_filter, request.attribute_filters)),
        group_variants=request.group_variants,
    )


def _attribute_filter(message: search_pb2.AttributeFilter) -> AttributeFilter:
    return AttributeFilter(
        message.name,
        tuple(message.values),
        message.minimum if message.HasField("minimum") else None,
        message.below if message.HasField("below") else None,
    )


def understanding_message(body: bytes) -> understanding_pb2.QueryUnderstanding | None:
    """What search understood; None when it was not asked."""
    return understanding_pb2.QueryUnderstanding.FromString(body) if body else None


def cart_line(message: storefront_service_pb2.CartLine) -> Candidate:
    """One line of a cart; no quantity is one."""
    return Candidate(message.product_id, quantity=message.quantity or 1)


def page_message(page: Page) -> storefront_service_pb2.Page:
    """A page as callers get it."""
    return storefront_service_pb2.Page(
        sections=map(_section, page.sections),
        attribution_token=page.attribution_token,
        latency=_duration(page.latency),
    )


def _section(section: Section) -> storefront_service_pb2.Section:
    return storefront_service_pb2.Section(
        id=section.id,
        title=section.title,
        status=storefront_service_pb2.SectionStatus.ValueType(section.status),
        served_by=section.served_by,
        latency=_duration(section.latency),
        items=map(_item, section.items),
    )


def _item(item: Item) -> storefront_service_pb2.Item:
    one = item.candidate
    message = storefront_service_pb2.Item(
        position=item.position,
        reason=one.reason,
        score=one.score,
        propensity=one.propensity,
        quantity=one.quantity,
        title_words=one.title_words,
        score_parts=dict(one.score_parts),
        variant_count=one.variant_count,
        variant_product_ids=one.variants,
    )
    message.product.MergeFromString(item.card.body)
    if item.tag:
        _price(message.price, item.tag)
    return message


def _price(message: storefront_service_pb2.Price, tag: PriceTag) -> None:
    quote = tag.quote
    message.price.CopyFrom(money_message(quote.price))
    if quote.list_price:
        message.list_price.CopyFrom(money_message(quote.list_price))
    if quote.lowest_30_days:
        message.lowest_price_30_days.CopyFrom(money_message(quote.lowest_30_days))
    message.discount_percent = quote.discount_percent
    message.personalized = quote.personalized
    message.status = storefront_service_pb2.SectionStatus.ValueType(tag.status)


def money_message(amount: Money) -> money_pb2.Money:
    """An amount of money."""
    return money_pb2.Money(currency_code=amount.currency, amount_micros=amount.micros)


def facet_message(facet: Facet) -> storefront_service_pb2.Facet:
    """The counts of one property."""
    values = [
        storefront_service_pb2.FacetValue(
            value=one.value, count=one.count, minimum=one.minimum, below=one.below
        )
        for one in facet.values
    ]
    return storefront_service_pb2.Facet(key=facet.key, values=values)


def label_message(label: Label) -> storefront_service_pb2.Label:
    """One thing seen."""
    return storefront_service_pb2.Label(name=label.name, confidence=label.confidence)


def _duration(seconds: float) -> Duration:
    nanos = int(seconds * 1e9)
    return Duration(seconds=nanos // 1_000_000_000, nanos=nanos % 1_000_000_000)
