"""The four services behind the gateway as real servers, over the gateway's in-memory adapters.

Each can be made slow, broken or dead, so that tests see what a page does then.
"""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from aisle.catalog.v1 import money_pb2
from aisle.pricing.v1 import pricing_pb2, pricing_pb2_grpc
from aisle.recsys.v1 import recsys_pb2, recsys_pb2_grpc
from aisle.search.v1 import search_pb2, search_pb2_grpc, understanding_pb2
from aisle.vision.v1 import vision_pb2, vision_pb2_grpc

from services.gateway import wire
from services.gateway.adapters.memory import (
    MemoryLooker,
    MemoryPricer,
    MemoryRecommender,
    MemorySearcher,
    Shop,
)
from services.gateway.domain.model import Order, Placement, Shopper, Status
from services.gateway.domain.ports import SearchQuery
from services.kit.config import Settings
from services.kit.server import Endpoint, Service
from services.kit.testing import running

ORDERS = {0: Order.RELEVANCE, 1: Order.RELEVANCE, 2: Order.PRICE, 3: Order.PRICE_DESCENDING}


@dataclass
class Trouble:
    """What is wrong with a service now: "", "slow" (never answers) or "erring"; and its calls so far."""

    kind: str = ""
    calls: list[str] = field(default_factory=list)

    async def meet(self, method: str) -> None:
        self.calls.append(method)
        if self.kind == "slow":
            await asyncio.sleep(60)
        if self.kind == "erring":
            raise RuntimeError("a bug of the backend")


def _recommended(answer):
    return [
        recsys_pb2.RecommendedProduct(
            product_id=one.product_id,
            score=one.score,
            propensity=one.propensity,
            reason=recsys_pb2.Reason(text=one.reason),
        )
        for one in answer.candidates
    ]


class Recsys(recsys_pb2_grpc.RecommendationServiceServicer):
    def __init__(self, shop, trouble):
        self.port, self.trouble = MemoryRecommender(shop), trouble

    async def Recommend(self, request, context):  # noqa: N802
        await self.trouble.meet("Recommend")
        answer = await self.port.recommend(
            Placement(request.placement),
            wire.shopper(request.shopper),
            1,
            size=request.page_size,
            context=request.context_product_ids,
            wanted=wire.wanted(request.filter),
        )
        return recsys_pb2.RecommendResponse(
            products=_recommended(answer),
            model_version="memory-1",
            fallback=answer.status is Status.FALLBACK,
        )

    async def ListSimilarProducts(self, request, context):  # noqa: N802
        await self.trouble.meet("ListSimilarProducts")
        answer = await self.port.similar(
            request.product_id, 1, size=request.page_size, wanted=wire.wanted(request.filter)
        )
        return recsys_pb2.ListSimilarProductsResponse(products=_recommended(answer), model_version="memory-1")

    async def RankProducts(self, request, context):  # noqa: N802
        await self.trouble.meet("RankProducts")
        answer = await self.port.rank(wire.shopper(request.shopper), request.product_ids, 1)
        return recsys_pb2.RankProductsResponse(products=_recommended(answer), model_version="memory-1")


class Search(search_pb2_grpc.SearchServiceServicer):
    def __init__(self, shop, trouble):
        self.port, self.trouble = MemorySearcher(shop), trouble

    async def Search(self, request, context):  # noqa: N802
        await self.trouble.meet("Search")
        query = SearchQuery(
            request.query,
            wire.wanted(request.filter),
            request.page_size,
            request.page_token,
            ORDERS[request.sort_order],
        )
        answer = await self.port.search(query, 1)
        return search_pb2.SearchResponse(
            results=[
                search_pb2.SearchResult(
                    product_id=one.product_id,
                    score=one.score,
                    reason=one.reason,
                    title_words=[request.query] if request.highlight else [],
                    variant_count=2 if request.group_variants else 0,
                    variant_product_ids=["a", "b"] if request.group_variants else [],
                    score_parts=[search_pb2.ScorePart(name="words", value=one.score)]
                    if request.explain
                    else [],
                )
                for one in answer.candidates
            ],
            total_size=answer.total,
            next_page_token=answer.next_token,
            served_by="lexical",
            facets=[search_pb2.Facet(key=key) for key in request.facet_prefixes],
            understanding=understanding_pb2.QueryUnderstanding(searched_query=request.query),
            redirect_uri="/bakery" if request.query == "bread" and not request.exact else "",
            rescue=search_pb2.Rescue(lifted_conditions=answer.lifted, total_size=answer.wider_total),
        )

    async def CompleteQuery(self, request, context):  # noqa: N802
        await self.trouble.meet("CompleteQuery")
        shopper = Shopper(request.visitor_id, request.user_id)
        texts = await self.port.complete(shopper, request.prefix, request.page_size, 1)
        suggestions = [search_pb2.QuerySuggestion(text=text) for text in texts]
        return search_pb2.CompleteQueryResponse(suggestions=suggestions)

    async def SimilarQueries(self, request, context):  # noqa: N802
        await self.trouble.meet("SimilarQueries")
        texts = await self.port.related(request.query, request.page_size, 1)
        return search_pb2.SimilarQueriesResponse(queries=[search_pb2.SimilarQuery(text=t) for t in texts])


class Vision(vision_pb2_grpc.VisionServiceServicer):
    def __init__(self, shop, trouble):
        self.port, self.trouble = MemoryLooker(shop), trouble

    async def SearchByImage(self, request, context):  # noqa: N802
        await self.trouble.meet("SearchByImage")
        part = request.box
        box = (part.left, part.top, part.right, part.bottom) if request.HasField("box") else None
        answer = await self.port.look(request.image, wire.wanted(request.filter), request.page_size, 1, box)
        return vision_pb2.SearchByImageResponse(
            products=[
                vision_pb2.SimilarProduct(product_id=one.product_id, similarity=one.score)
                for one in answer.candidates
            ],
            labels=[vision_pb2.Label(name=one.name, confidence=one.confidence) for one in answer.labels],
            model_version="memory-1",
        )


class Pricing(pricing_pb2_grpc.PricingServiceServicer):
    def __init__(self, shop, trouble):
        self.port, self.trouble = MemoryPricer(shop), trouble

    async def QuotePrices(self, request, context):  # noqa: N802
        await self.trouble.meet("QuotePrices")
        quotes = await self.port.quote(request.product_ids, 1)
        return pricing_pb2.QuotePricesResponse(
            quotes=[
                pricing_pb2.Quote(
                    product_id=one, price=_money(quote.price), list_price=_money(quote.list_price)
                )
                for one, quote in quotes.items()
            ]
        )


def _money(amount):
    return money_pb2.Money(currency_code=amount.currency, amount_micros=amount.micros)


SERVICES = {
    "recsys": (
        recsys_pb2_grpc.add_RecommendationServiceServicer_to_server,
        Recsys,
        "aisle.recsys.v1.RecommendationService",
    ),
    "search": (search_pb2_grpc.add_SearchServiceServicer_to_server, Search, "aisle.search.v1.SearchService"),
    "vision": (vision_pb2_grpc.add_VisionServiceServicer_to_server, Vision, "aisle.vision.v1.VisionService"),
    "pricing": (
        pricing_pb2_grpc.add_PricingServiceServicer_to_server,
        Pricing,
        "aisle.pricing.v1.PricingService",
    ),
}


@dataclass
class Town:
    """The four services at work, by name."""

    targets: dict[str, str] = field(default_factory=dict)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    stacks: dict[str, AsyncExitStack] = field(default_factory=dict)

    async def kill(self, name: str) -> None:
        """Ends a service: its port answers no more."""
        await self.stacks.pop(name).aclose()


@asynccontextmanager
async def town(shop: Shop):
    """All four services on free ports of this process."""
    here = Town()
    try:
        for name, (add, servicer, full_name) in SERVICES.items():
            trouble = here.troubles[name] = Trouble()
            stack = here.stacks[name] = AsyncExitStack()
            endpoint = Endpoint(add, servicer(shop, trouble), full_name)
            config = Settings(grace_seconds=0, drain_seconds=0)
            server = await stack.enter_async_context(running(Service(name, config, [endpoint])))
            here.targets[name] = server.target
        yield here
    finally:
        for name in list(here.stacks):
            await here.kill(name)
