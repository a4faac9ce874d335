"""Records, metrics and traces of real calls."""

import asyncio
import socket

import grpc
import prometheus_client
import pytest
from aisle.search.v1 import search_pb2
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.kit import names, telemetry
from services.kit.telemetry import Handled, Made, Measured
from services.kit.testing import serving, wait_until
from tests.kit.echo import ask, echo_service

METHOD = "/aisle.search.v1.SearchService/Search"


async def test_each_call_is_told_on_both_sides():
    records = []
    with telemetry.listening(records.append):
        async with serving(echo_service()) as channel:
            await ask(channel, "hello")
            for query in ("refuse:OVERLOADED", "bug"):
                with pytest.raises(grpc.aio.AioRpcError):
                    await ask(channel, query)
    handled = [(r.service, r.method, r.code, r.reason) for r in records if isinstance(r, Handled)]
    assert handled == [
        ("echo", METHOD, "OK", ""),
        ("echo", METHOD, "RESOURCE_EXHAUSTED", "OVERLOADED"),
        ("echo", METHOD, "INTERNAL", "INTERNAL"),
    ]
    made = [(r.method, r.code) for r in records if isinstance(r, Made)]
    assert made == [(METHOD, "OK"), (METHOD, "RESOURCE_EXHAUSTED"), (METHOD, "INTERNAL")]
    assert all(record.seconds > 0 for record in records if isinstance(record, Handled | Made))
    assert Measured(names.READY, 1.0, ("echo",)) in records


async def test_a_call_that_its_caller_gave_up_is_told_as_such():
    records = []
    with telemetry.listening(records.append):
        service = echo_service()
        async with serving(service) as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await ask(channel, "slow:60", timeout=0.1)
            call = asyncio.create_task(ask(channel, "slow:60"))
            await wait_until(lambda: service.endpoints[0].servicer.calls == 2)
            call.cancel()
            await wait_until(lambda: sum(isinstance(r, Handled) for r in records) == 2)
    assert [r.code for r in records if isinstance(r, Handled)] == ["DEADLINE_EXCEEDED", "CANCELLED"]


def test_prometheus_keeps_what_it_is_told():
    registry = prometheus_client.CollectorRegistry()
    hook = telemetry.Prometheus(registry)
    hook(Handled("echo", METHOD, "OK", "", 0.003))
    hook(Handled("echo", METHOD, "OK", "", 0.3))
    hook(Measured(names.RESOURCE_WELL, 0.0, ("echo", "log")))
    hook(Measured(names.Metric("aisle_test_rows", "counter", "Rows."), 2))
    hook(Measured(names.Metric("aisle_test_rows", "counter", "Rows."), 3))
    labels = {"service": "echo", "method": METHOD, "code": "OK", "reason": ""}
    assert registry.get_sample_value("aisle_call_handled_seconds_count", labels) == 2
    assert registry.get_sample_value("aisle_call_handled_seconds_bucket", {**labels, "le": "0.005"}) == 1
    assert registry.get_sample_value("aisle_resource_well", {"service": "echo", "resource": "log"}) == 0
    assert registry.get_sample_value("aisle_test_rows_total") == 5


def test_a_taken_metrics_port_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        exposed = telemetry.exposed("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"), exposed:
            pass


async def test_one_trace_runs_through_two_services():
    exporter = InMemorySpanExporter()
    async with serving(echo_service()) as back:

        async def forward(request, context):
            return search_pb2.SearchResponse(served_by=await ask(back, request.query))

        with telemetry.traced("echo", SimpleSpanProcessor(exporter)):
            async with serving(echo_service(forward)) as channel:
                with pytest.raises(grpc.aio.AioRpcError):
                    await ask(channel, "bug:anna@example.com")
            # A server's span may end after its caller has the answer.
            await wait_until(lambda: len(exporter.get_finished_spans()) == 4)
    spans = exporter.get_finished_spans()
    assert len({span.context.trace_id for span in spans}) == 1
    called_by = {span.parent.span_id if span.parent else None: span for span in spans}
    first = called_by[None]
    outer = called_by[first.context.span_id]
    middle = called_by[outer.context.span_id]
    inner = called_by[middle.context.span_id]
    assert [span.kind.name for span in (first, outer, middle, inner)] == ["CLIENT", "SERVER"] * 2
    assert inner.attributes[names.RPC_STATUS] == "INTERNAL"
    assert "anna" not in "".join(span.to_json() for span in spans)


def test_without_an_endpoint_nothing_is_traced():
    with telemetry.traced("echo"):
        assert telemetry.tracer() is None
