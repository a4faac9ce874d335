"""The one interceptor on each side of a call: request id, deadline, errors, metrics, trace."""

import asyncio
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from grpc import StatusCode
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.kit import deadline, errors, logs, names, telemetry
from services.kit.errors import Refusal, ServiceError

Handler = Callable[[Any, Any], Awaitable[Any]]

ALMOST: Final = 0.005  # seconds; a timer may fire this much early
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PLUMBING: Final = "/grpc."  # health, reflection and channelz: never shed, never measured
_trace_context: Final = TraceContextTextMapPropagator()
log = logs.get("kit.calls")


class Calls(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """Wraps every unary method of the house; plumbing and streams pass by."""

    def __init__(self, service: str, max_in_flight: int) -> None:
        """Refuses with OVERLOADED above `max_in_flight` calls at once."""
        self.in_flight = 0
        self._service = service
        self._max_in_flight = max_in_flight
        self._wrapped: dict[str, Any] = {}

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """The wrapped handler, made once a method."""
        method = handler_call_details.method
        if method not in self._wrapped:
            handler = await continuation(handler_call_details)
            plain = handler is not None and not (handler.request_streaming or handler.response_streaming)
            if not plain or method.startswith(_PLUMBING):
                return handler
            # We decode and encode ourselves: gRPC would tell the caller the text of what goes wrong there.
            self._wrapped[method] = grpc.unary_unary_rpc_method_handler(self._around(method, handler))
        return self._wrapped[method]

    def _around(self, method: str, handler: Any) -> Handler:
        async def handle(data: bytes, context: Any) -> bytes:
            started, metadata = time.monotonic(), dict(context.invocation_metadata() or ())
            request_id = _request_id_of(metadata)
            logs.request_id.set(request_id)  # each call runs in a task, and so in a context, of its own
            trailers = ((names.REQUEST_ID_KEY, request_id),)
            code, reason = StatusCode.OK, ""
            self.in_flight += 1
            try:
                with (
                    deadline.deadline(context.time_remaining()),
                    _span(method, SpanKind.SERVER, metadata) as span,
                ):
                    try:
                        answer = await self._answer(handler, data, context)
                    except asyncio.CancelledError:
                        late = deadline.remaining() is not None and deadline.within(1.0) < ALMOST
                        code = StatusCode.DEADLINE_EXCEEDED if late else StatusCode.CANCELLED
                        raise
                    except grpc.aio.AbortError:
                        code = context.code()
                        raise
                    except Exception as error:
                        refusal = _refusal_of(error, method)
                        code, reason = refusal.code, refusal.reason
                        details = ((errors.DETAILS_KEY, errors.pack(refusal, request_id)),)
                        await context.abort(code, refusal.message, trailers + details)
                    finally:
                        _finish(span, code, reason)
                context.set_trailing_metadata(trailers)
                return answer
            finally:
                self.in_flight -= 1
                seconds = time.monotonic() - started
                telemetry.emit(telemetry.Handled(self._service, method, code.name, reason, seconds))

        return handle

    async def _answer(self, handler: Any, data: bytes, context: Any) -> bytes:
        if self.in_flight > self._max_in_flight:
            raise ServiceError("OVERLOADED", f"{self._service} is handling as many calls as it can")
        try:
            request = handler.request_deserializer(data)
        except DecodeError:
            raise ServiceError(
                "INVALID_VALUE", "the request is not the message that this method takes"
            ) from None
        answer: bytes = handler.response_serializer(await handler.unary_unary(request, context))
        return answer


class Outgoing(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
    """Passes the request id, the deadline and the trace on with every unary call."""

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """The call, done; it never waits longer than the call it serves."""
        if deadline.remaining() == 0.0:  # gRPC would send it all the same
            none = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(
                StatusCode.DEADLINE_EXCEEDED, none, none, "no time is left for this call", None
            )
        started, details = time.monotonic(), client_call_details
        method = details.method.decode() if isinstance(details.method, bytes) else details.method
        headers = {names.REQUEST_ID_KEY: logs.request_id.get()} if logs.request_id.get() else {}
        code = StatusCode.CANCELLED
        with _span(method, SpanKind.CLIENT) as span:
            _trace_context.inject(headers)
            try:
                call = await continuation(_passed_on(details, headers), request)
                try:
                    await call
                    code = StatusCode.OK
                except grpc.aio.AioRpcError as error:  # the caller meets it when it awaits the call
                    code = error.code()
                return call
            finally:
                _finish(span, code, "")
                telemetry.emit(telemetry.Made(method, code.name, time.monotonic() - started))


def _passed_on(details: Any, headers: dict[str, str]) -> grpc.aio.ClientCallDetails:
    metadata = grpc.aio.Metadata(*(details.metadata or ()))
    for key, value in headers.items():
        if key not in metadata:
            metadata.add(key, value)
    left = deadline.remaining()
    timeout = details.timeout if left is None else min(left, details.timeout or left)
    return grpc.aio.ClientCallDetails(
        details.method, timeout, metadata, details.credentials, details.wait_for_ready
    )


def _request_id_of(metadata: dict[str, Any]) -> str:
    given = metadata.get(names.REQUEST_ID_KEY, "")
    return given if isinstance(given, str) and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _refusal_of(error: Exception, method: str) -> Refusal:
    if refusal := errors.refusal_of(error):
        log.debug("refused", method=method, reason=refusal.reason, field=refusal.field)
        return refusal
    timed_out = isinstance(error, TimeoutError | grpc.aio.AioRpcError)
    if timed_out and deadline.remaining() is not None and deadline.within(1.0) < ALMOST:
        return Refusal("DEADLINE_EXCEEDED", "the deadline passed before an answer")
    log.error("bug", method=method, **logs.bug(error))
    return Refusal("INTERNAL", f"internal error; request {logs.request_id.get()}")


@contextmanager
def _span(method: str, kind: SpanKind, parent: Mapping[str, Any] | None = None) -> Iterator[Span]:
    if (tracer := telemetry.tracer()) is None:
        yield INVALID_SPAN
        return
    with tracer.start_as_current_span(
        method[1:],
        None if parent is None else _trace_context.extract(parent),
        kind,
        _attributes(method),
        record_exception=False,  # an error's text may hold a shopper's data
        set_status_on_exception=False,
    ) as span:
        yield span


def _attributes(method: str) -> dict[str, str]:
    return {names.RPC_SYSTEM: "grpc", names.RPC_METHOD: method[1:], names.REQUEST_ID: logs.request_id.get()}


def _finish(span: Span, code: StatusCode, reason: str) -> None:
    if span.is_recording():
        span.set_attributes({names.RPC_STATUS: code.name, names.REASON: reason})
