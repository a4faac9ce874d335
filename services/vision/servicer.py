"""VisionService: proto in, domain call, proto out."""

from typing import Any

import grpc
from aisle.vision.v1 import vision_pb2, vision_pb2_grpc

from services.vision import wire
from services.vision.domain.eye import Eye


class VisionServicer(vision_pb2_grpc.VisionServiceServicer):
    """See vision.proto for what each call guarantees."""

    def __init__(self, eye: Eye) -> None:
        self._eye = eye

    async def RecognizeImage(
        self, request: vision_pb2.RecognizeImageRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> vision_pb2.RecognizeImageResponse:
        """What the picture shows."""
        count = wire.labels_wanted(request)
        return wire.recognized(await self._eye.recognize(request.image, wire.box_of(request)), count)

    async def SearchByImage(
        self, request: vision_pb2.SearchByImageRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> vision_pb2.SearchByImageResponse:
        """Products that look like the picture."""
        count, wanted = wire.products_wanted(request), wire.filter_of(request.filter)
        fold = not request.keep_duplicates
        box = wire.box_of(request)
        seen, products = await self._eye.similar(request.image, box, wanted, count, fold=fold)
        return wire.found(seen, products)
