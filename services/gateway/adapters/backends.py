"""The services behind the gateway, over their stubs."""
# ruff: noqa: ASYNC109 - a timeout here is the deadline that the other side is told

from collections.abc import Iterable, Mapping, Sequence

from aisle.catalog.v1 import money_pb2, product_pb2
from aisle.pricing.v1 import pricing_pb2, pricing_pb2_grpc
from aisle.recsys.v1 import recsys_pb2, recsys_pb2_grpc
from aisle.search.v1 import search_pb2, search_pb2_grpc
from aisle.vision.v1 import vision_pb2, vision_pb2_grpc

from services.gateway.adapters.calling import Backend
from services.gateway.domain.model import (
    ANY,
    IN_STOCK,
    Answer,
    AttributeFilter,
    Candidate,
    Facet,
    FacetValue,
    Filter,
    Label,
    Money,
    Order,
    Placement,
    Quote,
    Shopper,
    Status,
)
from services.gateway.domain.ports import Box, SearchQuery

_SORT_ORDERS = {
    Order.RELEVANCE: search_pb2.SORT_ORDER_RELEVANCE,
    Order.PRICE: search_pb2.SORT_ORDER_PRICE_ASCENDING,
    Order.PRICE_DESCENDING: search_pb2.SORT_ORDER_PRICE_DESCENDING,
}


class StubRecommender:
    """The Recommender over recsys."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def recommend(
        self,
        placement: Placement,
        shopper: Shopper,
        timeout: float,
        *,
        size: int,
        context: Sequence[str] = (),
        wanted: Filter = IN_STOCK,
    ) -> Answer:
        """See Recommender.recommend."""
        request = recsys_pb2.RecommendRequest(
            placement=recsys_pb2.Placement.ValueType(placement.value),
            shopper=_shopper(shopper),
            context_product_ids=context,
            filter=_filter(wanted),
            exclude_product_ids=context,
            page_size=size,
        )
        method = recsys_pb2_grpc.RecommendationServiceStub(self._backend.channel).Recommend
        answer: recsys_pb2.RecommendResponse = await self._backend.call(
            method, request, timeout, hedged="Recommend"
        )
        status = Status.FALLBACK if answer.fallback else Status.OK
        return Answer(_recommended(answer.products), f"recsys {answer.model_version}", status)

    async def similar(
        self, product_id: str, timeout: float, *, size: int, wanted: Filter = IN_STOCK
    ) -> Answer:
        """See Recommender.similar."""
        request = recsys_pb2.ListSimilarProductsRequest(
            product_id=product_id, filter=_filter(wanted), page_size=size
        )
        method = recsys_pb2_grpc.RecommendationServiceStub(self._backend.channel).ListSimilarProducts
        answer: recsys_pb2.ListSimilarProductsResponse = await self._backend.call(
            method, request, timeout, hedged="ListSimilarProducts"
        )
        return Answer(_recommended(answer.products), f"recsys {answer.model_version}")

    async def rank(self, shopper: Shopper, product_ids: Sequence[str], timeout: float) -> Answer:
        """See Recommender.rank."""
        request = recsys_pb2.RankProductsRequest(shopper=_shopper(shopper), product_ids=product_ids)
        method = recsys_pb2_grpc.RecommendationServiceStub(self._backend.channel).RankProducts
        answer: recsys_pb2.RankProductsResponse = await self._backend.call(
            method, request, timeout, hedged="RankProducts"
        )
        return Answer(_recommended(answer.products), f"recsys {answer.model_version}")


class StubSearcher:
    """The Searcher over search."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def search(self, query: SearchQuery, timeout: float) -> Answer:
        """See Searcher.search."""
        request = search_pb2.SearchRequest(
            query=query.text,
            filter=_filter(query.wanted),
            page_size=query.size,
            page_token=query.token,
            sort_order=_SORT_ORDERS[query.order],
            facet_keys=query.facet_keys,
            facet_prefixes=dict(query.facet_prefixes),
            highlight=query.highlight,
            explain=query.explain,
            exact=query.exact,
            attribute_filters=map(_attribute_filter, query.attribute_filters),
            group_variants=query.group_variants,
        )
        method = search_pb2_grpc.SearchServiceStub(self._backend.channel).Search
        answer: search_pb2.SearchResponse = await self._backend.call(
            method, request, timeout, hedged="Search"
        )
        return Answer(
            tuple(map(_found, answer.results)),
            f"search {answer.served_by}",
            total=answer.total_size,
            next_token=answer.next_page_token,
            facets=tuple(Facet(facet.key, tuple(map(_facet_value, facet.values))) for facet in answer.facets),
            corrected=answer.understanding.searched_query if answer.understanding.corrections else "",
            lifted=tuple(answer.rescue.lifted_conditions),
            wider_total=answer.rescue.total_size,
            related_categories=tuple(answer.rescue.related_categories),
            understanding=answer.understanding.SerializeToString(),
            redirect_uri=answer.redirect_uri,
        )

    async def complete(self, shopper: Shopper, prefix: str, size: int, timeout: float) -> tuple[str, ...]:
        """See Searcher.complete."""
        request = search_pb2.CompleteQueryRequest(
            prefix=prefix, page_size=size, visitor_id=shopper.visitor_id, user_id=shopper.user_id
        )
        method = search_pb2_grpc.SearchServiceStub(self._backend.channel).CompleteQuery
        answer: search_pb2.CompleteQueryResponse = await self._backend.call(method, request, timeout)
        return tuple(one.text for one in answer.suggestions)

    async def related(self, text: str, size: int, timeout: float) -> tuple[str, ...]:
        """See Searcher.related. Not hedged: a page does not wait for it."""
        request = search_pb2.SimilarQueriesRequest(query=text, page_size=size)
        method = search_pb2_grpc.SearchServiceStub(self._backend.channel).SimilarQueries
        answer: search_pb2.SimilarQueriesResponse = await self._backend.call(method, request, timeout)
        return tuple(one.text for one in answer.queries)


def _attribute_filter(one: AttributeFilter) -> search_pb2.AttributeFilter:
    return search_pb2.AttributeFilter(name=one.name, values=one.values, minimum=one.minimum, below=one.below)


def _facet_value(one: search_pb2.FacetValue) -> FacetValue:
    return FacetValue(
        one.value,
        one.count,
        one.minimum if one.HasField("minimum") else None,
        one.below if one.HasField("below") else None,
    )


def _found(one: search_pb2.SearchResult) -> Candidate:
    parts = tuple((part.name, part.value) for part in one.score_parts)
    return Candidate(
        one.product_id,
        one.reason,
        one.score,
        title_words=tuple(one.title_words),
        score_parts=parts,
        variant_count=one.variant_count,
        variants=tuple(one.variant_product_ids),
    )


class StubLooker:
    """The Looker over vision."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def look(
        self, image: bytes, wanted: Filter, size: int, timeout: float, box: Box | None = None
    ) -> Answer:
        """See Looker.look. Not hedged: a picture costs the inference tier most of all."""
        part = vision_pb2.Box(left=box[0], top=box[1], right=box[2], bottom=box[3]) if box else None
        request = vision_pb2.SearchByImageRequest(
            image=image, filter=_filter(wanted), page_size=size, box=part
        )
        method = vision_pb2_grpc.VisionServiceStub(self._backend.channel).SearchByImage
        answer: vision_pb2.SearchByImageResponse = await self._backend.call(method, request, timeout)
        # What the picture is recognised as comes before what only looks like it.
        known = answer.labels[0] if answer.labels and not answer.unknown and wanted == ANY else None
        named = dict.fromkeys(known.product_ids if known else ())
        products = [Candidate(product_id, score=1.0) for product_id in named]
        products += [
            Candidate(one.product_id, score=one.similarity)
            for one in answer.products
            if one.product_id not in named
        ]
        return Answer(
            tuple(products[:size]),
            f"vision {answer.model_version}",
            labels=tuple(Label(one.name, one.confidence) for one in answer.labels),
        )


class StubPricer:
    """The Pricer over pricing."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def quote(self, product_ids: Sequence[str], timeout: float) -> Mapping[str, Quote]:
        """See Pricer.quote."""
        request = pricing_pb2.QuotePricesRequest(product_ids=product_ids)
        method = pricing_pb2_grpc.PricingServiceStub(self._backend.channel).QuotePrices
        answer: pricing_pb2.QuotePricesResponse = await self._backend.call(
            method, request, timeout, hedged="QuotePrices"
        )
        return {one.product_id: _quote(one) for one in answer.quotes}


def _quote(quote: pricing_pb2.Quote) -> Quote:
    return Quote(
        Money(quote.price.currency_code, quote.price.amount_micros),
        _money(quote.list_price) if quote.HasField("list_price") else None,
        _money(quote.lowest_price_30_days) if quote.HasField("lowest_price_30_days") else None,
        quote.discount_percent,
        quote.personalized,
    )


def _money(money: money_pb2.Money) -> Money:
    return Money(money.currency_code, money.amount_micros)


def _recommended(products: Iterable[recsys_pb2.RecommendedProduct]) -> tuple[Candidate, ...]:
    # A product that taste did not move has no reason of recsys's own: the one it was found for stays.
    return tuple(
        Candidate(one.product_id, one.reason.text if one.reason.code else "", one.score, one.propensity)
        for one in products
    )


def _shopper(shopper: Shopper) -> recsys_pb2.Shopper:
    return recsys_pb2.Shopper(
        visitor_id=shopper.visitor_id,
        user_id=shopper.user_id,
        session_id=shopper.session_id,
        segment=shopper.segment,
    )


def _filter(wanted: Filter) -> product_pb2.ProductFilter:
    message = product_pb2.ProductFilter(
        categories=wanted.categories, brands=wanted.brands, in_stock_only=wanted.in_stock_only
    )
    for name, amount in (("min_price", wanted.min_price), ("max_price", wanted.max_price)):
        if amount:
            getattr(message, name).CopyFrom(
                money_pb2.Money(currency_code=amount.currency, amount_micros=amount.micros)
            )
    return message
