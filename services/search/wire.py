"""Between the proto's messages and the domain's values; nothing is decided here."""

from collections.abc import Sequence

from aisle.catalog.v1 import money_pb2, product_pb2
from aisle.search.v1 import search_pb2, understanding_pb2

from services.kit.stock import in_stock
from services.search.domain.answer import Page, Result
from services.search.domain.attributes import PREFIX, SIZE, AttributeFilter, bounds, values_of
from services.search.domain.complete import Completed
from services.search.domain.errors import InvalidValue
from services.search.domain.product import IN_STOCK, OUT_OF_STOCK, PREORDER, Product, path
from services.search.domain.query.prices import PriceRange
from services.search.domain.query.understanding import Intent, Understanding
from services.search.domain.request import Filter, Order, Request, page_size, price_bounds
from services.search.domain.similar import Similar
from services.search.domain.text import key

_ORDERS = {
    search_pb2.SORT_ORDER_UNSPECIFIED: Order.RELEVANCE,
    search_pb2.SORT_ORDER_RELEVANCE: Order.RELEVANCE,
    search_pb2.SORT_ORDER_PRICE_ASCENDING: Order.PRICE_ASCENDING,
    search_pb2.SORT_ORDER_PRICE_DESCENDING: Order.PRICE_DESCENDING,
}
_INTENTS = {
    Intent.PRODUCTS: understanding_pb2.QUERY_INTENT_PRODUCTS,
    Intent.BRAND: understanding_pb2.QUERY_INTENT_BRAND,
    Intent.CATEGORY: understanding_pb2.QUERY_INTENT_CATEGORY,
    Intent.PRODUCT_NUMBER: understanding_pb2.QUERY_INTENT_PRODUCT_NUMBER,
    Intent.QUESTION: understanding_pb2.QUERY_INTENT_QUESTION,
}
_LIKENESSES = {
    "typed": search_pb2.QUERY_LIKENESS_TYPED,
    "clicked": search_pb2.QUERY_LIKENESS_CLICKED,
    "meaning": search_pb2.QUERY_LIKENESS_MEANING,
}
_SOURCES = {
    "query": search_pb2.SUGGESTION_SOURCE_QUERY,
    "category": search_pb2.SUGGESTION_SOURCE_CATEGORY,
    "brand": search_pb2.SUGGESTION_SOURCE_BRAND,
    "product": search_pb2.SUGGESTION_SOURCE_PRODUCT,
    "own": search_pb2.SUGGESTION_SOURCE_OWN_QUERY,
}


def request_of(message: search_pb2.SearchRequest) -> Request:
    """The request, checked. Raises a SearchError."""
    if message.sort_order not in _ORDERS:
        raise InvalidValue("there is no such order", "sort_order")
    return Request(
        query=message.query,
        filter=filter_of(message.filter),
        page_size=page_size(message.page_size),
        page_token=message.page_token,
        order=_ORDERS[message.sort_order],
        facets=tuple(dict.fromkeys(map(_facet, message.facet_keys))),
        exact=message.exact,
        highlight=message.highlight,
        facet_prefixes=tuple((_facet(name), text) for name, text in sorted(message.facet_prefixes.items())),
        attribute_filters=tuple(map(_attribute_filter, message.attribute_filters)),
        group_variants=message.group_variants,
    )


def _facet(name: str) -> str:
    """The facet with the name of its attribute in normal spelling."""
    return f"{PREFIX}{key(name.removeprefix(PREFIX))}" if name.startswith(PREFIX) else name


def _attribute_filter(message: search_pb2.AttributeFilter) -> AttributeFilter:
    return AttributeFilter(
        key(message.name),
        tuple(key(value) for value in message.values),
        message.minimum if message.HasField("minimum") else None,
        message.below if message.HasField("below") else None,
    )


def filter_of(message: product_pb2.ProductFilter) -> Filter:
    """The filter, checked. Raises a SearchError."""
    low = _amount(message.min_price) if message.HasField("min_price") else None
    high = _amount(message.max_price) if message.HasField("max_price") else None
    currency, minimum, maximum = price_bounds(low, high)
    return Filter(
        categories=tuple(path(category) for category in message.categories),
        brands=tuple(key(brand) for brand in message.brands),
        currency=currency,
        minimum=minimum,
        maximum=maximum,
        in_stock_only=message.in_stock_only,
    )


def _amount(money: money_pb2.Money) -> tuple[str, int]:
    return money.currency_code, money.amount_micros


def response_of(page: Page, *, explain: bool) -> search_pb2.SearchResponse:
    """The answer, with the parts of every score when asked to explain."""
    response = search_pb2.SearchResponse(
        total_size=page.total,
        next_page_token=page.next_page_token,
        served_by=page.served_by,
        understanding=understanding_of(page.query, page.filter.currency),
        redirect_uri=page.redirect_uri,
    )
    for category, confidence in page.categories:
        response.understanding.predicted_categories.add(category=category, confidence=confidence)
    response.results.extend(_result_of(found, explain=explain) for found in page.results)
    if page.rescue:
        response.rescue.lifted_conditions.extend(page.rescue.lifted)
        response.rescue.results.extend(_result_of(found, explain=explain) for found in page.rescue.results)
        response.rescue.total_size = page.rescue.total
        response.rescue.related_categories.extend(path for path, _ in page.rescue.categories)
    for name, values in page.facets.items():
        facet = response.facets.add(key=name)
        for value, count in values:
            told = facet.values.add(value=value, count=count)
            if name in page.ranged:
                _tell_bounds(told, value)
    return response


def _tell_bounds(message: search_pb2.FacetValue, text: str) -> None:
    minimum, below = bounds(text)
    if minimum is not None:
        message.minimum = minimum
    if below is not None:
        message.below = below


def _result_of(found: Result, *, explain: bool) -> search_pb2.SearchResult:
    message = search_pb2.SearchResult(
        product_id=found.product_id,
        score=found.score,
        lexical_rank=found.lexical_rank,
        dense_rank=found.dense_rank,
        reason=found.reason,
        title_words=found.title_words,
        variant_count=found.variant_count,
        variant_product_ids=found.variants,
    )
    for name, value in found.parts._asdict().items() if explain else ():
        message.score_parts.add(name=name, value=value)
    return message


def understanding_of(query: Understanding, currency: str) -> understanding_pb2.QueryUnderstanding:
    """What the query was taken to mean; `currency` is that of a price for which it names none."""
    message = understanding_pb2.QueryUnderstanding(
        language_code=query.language,
        intent=_INTENTS[query.intent],
        searched_query=query.text,
        excluded_words=query.without,
        brands=[name.text for name in query.named if name.kind == "brand"],
        categories=[name.text for name in query.named if name.kind == "category"],
    )
    for typed, corrected in query.corrections:
        message.corrections.add(typed_text=typed, corrected_text=corrected)
    for text, *alternatives in query.every_reading:
        if alternatives:
            message.expansions.add(text=text, alternatives=alternatives)
    for one in query.attributes:
        message.attributes.add(name=one.name, value=one.text, confidence=one.confidence)
    price = query.price or PriceRange()
    for amount, bound in ((price.minimum, message.min_price), (price.maximum, message.max_price)):
        if amount is not None:
            bound.currency_code = price.currency or currency
            bound.amount_micros = amount
    return message


def completions_of(completed: Completed) -> search_pb2.CompleteQueryResponse:
    """The completions."""
    response = search_pb2.CompleteQueryResponse(corrected_prefix=completed.corrected)
    for suggestion in completed.suggestions:
        response.suggestions.add(text=suggestion.text, source=_SOURCES[suggestion.source])
    return response


def similar_of(queries: Sequence[Similar]) -> search_pb2.SimilarQueriesResponse:
    """Queries like one."""
    response = search_pb2.SimilarQueriesResponse()
    for query in queries:
        response.queries.add(text=query.text, likeness=_LIKENESSES[query.source])
    return response


def product_of(message: product_pb2.Product) -> Product:
    """What search keeps of a product of the catalogue."""
    texts = (text for values in message.attributes.values() for text in values.texts)
    return Product(
        id=message.id,
        title=message.title,
        description=message.description,
        categories=tuple(message.categories),
        brand=message.brand,
        properties=" ".join((message.size, message.gtin, message.id, *sorted(texts))),
        currency=message.price.currency_code if message.HasField("price") else "",
        micros=message.price.amount_micros if message.HasField("price") else None,
        availability=_availability(message),
        gtin=message.gtin,
        margin=_margin(message),
        since=message.available_time.ToNanoseconds() / 1e9,
        attributes=tuple(values_of(_attributes(message))),
        primary_id=_primary(message),
    )


def _primary(message: product_pb2.Product) -> str:
    """The product that it is a variant of; some feeds name a primary product as its own."""
    return message.primary_product_id if message.primary_product_id != message.id else ""


def _attributes(message: product_pb2.Product) -> dict[str, list[str]]:
    """The product's own attributes; its size is one, unless it has another of that name."""
    found = {name: list(values.texts) for name, values in message.attributes.items()}
    return {SIZE: [message.size], **found}


def _margin(message: product_pb2.Product) -> float:
    price, cost = message.price, message.cost
    if not message.HasField("cost") or price.amount_micros <= 0 or cost.currency_code != price.currency_code:
        return 0.0
    return min(max(1 - cost.amount_micros / price.amount_micros, 0.0), 1.0)


def _availability(message: product_pb2.Product) -> str:
    if not in_stock(message):
        return OUT_OF_STOCK
    return PREORDER if message.availability == product_pb2.AVAILABILITY_PREORDER else IN_STOCK
