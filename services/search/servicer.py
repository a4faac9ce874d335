"""SearchService: proto in, domain call in a worker thread, proto out."""

from aisle.search.v1 import search_pb2, search_pb2_grpc

from services.kit.workers import Workers
from services.search import wire
from services.search.domain.complete import Completer
from services.search.domain.search import Searcher


class SearchServicer(search_pb2_grpc.SearchServiceServicer):
    """Answers the RPCs; errors are the domain's and kit tells them."""

    def __init__(self, searcher: Searcher, completer: Completer, workers: Workers) -> None:
        self._searcher = searcher
        self._completer = completer
        self._workers = workers

    async def Search(
        self,
        request: search_pb2.SearchRequest,
        context: object,
    ) -> search_pb2.SearchResponse:
        """See the proto."""
        return wire.response_of(await self._workers.run(self._searcher.search, wire.request_of(request)))

    async def CompleteQuery(
        self,
        request: search_pb2.CompleteQueryRequest,
        context: object,
    ) -> search_pb2.CompleteQueryResponse:
        """See the proto."""
        found = await self._workers.run(self._completer.complete, request.prefix, request.page_size)
        return wire.completions_of(found)
