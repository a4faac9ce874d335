"""Answers RecommendationService: proto in, domain call in a worker, proto out."""

from collections.abc import Callable

import grpc
from aisle.recsys.v1 import recsys_pb2, recsys_pb2_grpc
from google.protobuf.message import Message

from services.kit.ids import check_id
from services.kit.workers import Workers
from services.recsys import wire
from services.recsys.domain.exploration.drawing import Explorer
from services.recsys.domain.ports import Knowledge
from services.recsys.domain.rank import DEFAULT_WEIGHT, rank
from services.recsys.domain.recommend import recommend, similar
from services.recsys.domain.slate import in_order

Context = grpc.aio.ServicerContext[Message, Message]


class RecommendationServicer(recsys_pb2_grpc.RecommendationServiceServicer):
    """Over what is known of shop and shoppers."""

    def __init__(
        self, knowledge: Knowledge, workers: Workers, explorer: Explorer, request_id: Callable[[], str]
    ) -> None:
        self._knowledge = knowledge
        self._workers = workers
        self._explorer = explorer
        self._request_id = request_id

    async def Recommend(
        self, request: recsys_pb2.RecommendRequest, context: Context
    ) -> recsys_pb2.RecommendResponse:
        """See the proto."""
        placement, asked = wire.placement_of(request.placement), wire.asked_of(request)
        # What a shop adjusts stays as it wishes; all else may explore.
        shopper = () if request.HasField("adjustments") else asked.shopper
        drawing = self._explorer.drawing(placement, shopper, self._request_id())
        answer = await self._workers.run(
            recommend,
            self._knowledge,
            placement,
            asked,
            wire.filter_of(request.filter),
            wire.ids_of(request.exclude_product_ids, "exclude_product_ids"),
            wire.page_of(request.page_size),
            wire.wishes_of(request.adjustments),
            drawing or in_order,
        )
        self._explorer.keep(drawing)
        return recsys_pb2.RecommendResponse(
            products=wire.products(answer.products), model_version=answer.version, fallback=answer.fallback
        )

    async def ListSimilarProducts(
        self, request: recsys_pb2.ListSimilarProductsRequest, context: Context
    ) -> recsys_pb2.ListSimilarProductsResponse:
        """See the proto."""
        check_id(request.product_id, "product_id")
        answer = await self._workers.run(
            similar,
            self._knowledge,
            request.product_id,
            wire.filter_of(request.filter),
            wire.page_of(request.page_size),
        )
        return recsys_pb2.ListSimilarProductsResponse(
            products=wire.products(answer.products), model_version=answer.version
        )

    async def RankProducts(
        self, request: recsys_pb2.RankProductsRequest, context: Context
    ) -> recsys_pb2.RankProductsResponse:
        """See the proto."""
        answer = await self._workers.run(
            rank,
            self._knowledge,
            wire.shopper_of(request.shopper),
            wire.ids_of(request.product_ids, "product_ids"),
            request.personal_weight if request.HasField("personal_weight") else DEFAULT_WEIGHT,
        )
        return recsys_pb2.RankProductsResponse(
            products=wire.products(answer.products), model_version=answer.version
        )
