"""SearchService and ControlService: proto in, domain call or entry of the log, proto out."""

from collections.abc import Awaitable, Callable, Sequence

from aisle.search.v1 import control_pb2, control_pb2_grpc, search_pb2, search_pb2_grpc

from services.kit.workers import Workers
from services.search import wire
from services.search.control_wire import control_of
from services.search.domain.complete import Completer
from services.search.domain.errors import InvalidValue
from services.search.domain.search import Searcher
from services.search.domain.similar import SimilarQueries


class SearchServicer(search_pb2_grpc.SearchServiceServicer):
    """Answers the RPCs; errors are the domain's and kit tells them."""

    def __init__(
        self, searcher: Searcher, completer: Completer, similar: SimilarQueries, workers: Workers
    ) -> None:
        self._searcher = searcher
        self._completer = completer
        self._similar = similar
        self._workers = workers

    async def Search(
        self,
        request: search_pb2.SearchRequest,
        context: object,
    ) -> search_pb2.SearchResponse:
        """See the proto."""
        page = await self._workers.run(self._searcher.search, wire.request_of(request))
        return wire.response_of(page, explain=request.explain)

    async def CompleteQuery(
        self,
        request: search_pb2.CompleteQueryRequest,
        context: object,
    ) -> search_pb2.CompleteQueryResponse:
        """See the proto."""
        found = await self._workers.run(
            self._completer.complete, request.prefix, request.page_size, request.visitor_id, request.user_id
        )
        return wire.completions_of(found)

    async def SimilarQueries(
        self,
        request: search_pb2.SimilarQueriesRequest,
        context: object,
    ) -> search_pb2.SimilarQueriesResponse:
        """See the proto."""
        return wire.similar_of(await self._workers.run(self._similar.like, request.query, request.page_size))


Write = Callable[[str, control_pb2.ControlChange], Awaitable[None]]
"""Appends a change of a control, by its id, and returns when searches follow it."""


class ControlServicer(control_pb2_grpc.ControlServiceServicer):
    """Answers the RPCs; errors are the domain's or the log's, and kit tells them."""

    def __init__(self, write: Write, read: Callable[[], Sequence[control_pb2.Control]]) -> None:
        self._write = write
        self._read = read

    async def SetControl(
        self, request: control_pb2.SetControlRequest, context: object
    ) -> control_pb2.SetControlResponse:
        """See the proto."""
        control_of(request.control)
        await self._write(request.control.control_id, control_pb2.ControlChange(set=request.control))
        return control_pb2.SetControlResponse(control=request.control)

    async def DeleteControl(
        self, request: control_pb2.DeleteControlRequest, context: object
    ) -> control_pb2.DeleteControlResponse:
        """See the proto."""
        if not request.control_id:
            raise InvalidValue("the id of the control to delete", "control_id")
        await self._write(request.control_id, control_pb2.ControlChange(delete_id=request.control_id))
        return control_pb2.DeleteControlResponse()

    async def ListControls(
        self, request: control_pb2.ListControlsRequest, context: object
    ) -> control_pb2.ListControlsResponse:
        """See the proto."""
        return control_pb2.ListControlsResponse(controls=self._read())
