"""Telemetry: frozen records handed to hooks; Prometheus metrics are one hook, traces stand beside."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import prometheus_client
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import Tracer

from services.kit import names
from services.kit.names import Metric

BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # seconds


@dataclass(frozen=True, slots=True)
class Handled:
    """A call that this process answered. `reason` is "" when it went well."""

    service: str
    method: str
    code: str
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Made:
    """A call that this process made to another service."""

    method: str
    code: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A value of a metric: added to a counter, set to a gauge, observed by a histogram."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()


Record = Handled | Made | Measured
Hook = Callable[[Record], None]
_hooks: list[Hook] = []
_tracers: list[Tracer] = []


def emit(record: Record) -> None:
    """Hands the record to every hook. Hooks are quick, and do not raise."""
    for hook in _hooks:
        hook(record)


def measure(metric: Metric, value: float, *labels: str) -> None:
    """Tells one value of a metric of kit/names.py, with its labels in their order."""
    emit(Measured(metric, value, labels))


@contextmanager
def listening(hook: Hook) -> Iterator[None]:
    """Hands records to the hook inside the block."""
    _hooks.append(hook)
    try:
        yield
    finally:
        _hooks.remove(hook)


class Prometheus:
    """The hook that keeps metrics; each is registered when first told."""

    def __init__(self, registry: prometheus_client.CollectorRegistry = prometheus_client.REGISTRY) -> None:
        """Metrics go to the registry."""
        self._registry = registry
        self._metrics: dict[str, Any] = {}
        self._tellers: dict[tuple[str, ...], Callable[[float], None]] = {}

    def __call__(self, record: Record) -> None:
        """Takes one record."""
        match record:
            case Handled(service, method, code, reason, seconds):
                self._tell(names.CALLS_HANDLED, seconds, (service, method, code, reason))
            case Made(method, code, seconds):
                self._tell(names.CALLS_MADE, seconds, (method, code))
            case Measured(metric, value, labels):
                self._tell(metric, value, labels)

    def _tell(self, metric: Metric, value: float, labels: tuple[str, ...]) -> None:
        key = (metric.name, *labels)
        if key not in self._tellers:
            self._tellers[key] = self._teller(metric, labels)
        self._tellers[key](value)

    def _teller(self, metric: Metric, labels: tuple[str, ...]) -> Callable[[float], None]:
        if metric.name not in self._metrics:
            self._metrics[metric.name] = _make(metric, self._registry)
        child = self._metrics[metric.name]
        child = child.labels(*labels) if metric.labels else child
        verb = {"counter": "inc", "gauge": "set", "histogram": "observe"}[metric.kind]
        teller: Callable[[float], None] = getattr(child, verb)
        return teller


def _make(metric: Metric, registry: prometheus_client.CollectorRegistry) -> Any:
    if metric.kind == "histogram":
        return prometheus_client.Histogram(
            metric.name, metric.help, metric.labels, registry=registry, buckets=BUCKETS
        )
    kind = prometheus_client.Counter if metric.kind == "counter" else prometheus_client.Gauge
    return kind(metric.name, metric.help, metric.labels, registry=registry)


@contextmanager
def exposed(host: str, port: int) -> Iterator[None]:
    """Serves /metrics over HTTP inside the block; port 0 serves nothing. OSError when it is taken."""
    if not port:
        yield
        return
    server, thread = prometheus_client.start_http_server(port, host)
    try:
        with listening(Prometheus()):
            yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def traced(service: str, *processors: SpanProcessor) -> Iterator[None]:
    """Traces calls inside the block, to the processors, or to OTEL_EXPORTER_OTLP_ENDPOINT when it is set.

    OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG say how much. With neither, calls pay nothing for tracing.
    """
    if not processors and not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        yield
        return
    provider = TracerProvider(resource=Resource.create({"service.name": f"aisle-{service}"}))
    for processor in processors or (_otlp(),):
        provider.add_span_processor(processor)
    tracer = provider.get_tracer("aisle")
    _tracers.append(tracer)
    try:
        yield
    finally:
        _tracers.remove(tracer)
        provider.shutdown()


def tracer() -> Tracer | None:
    """The tracer of this process; None when calls are not traced."""
    return _tracers[-1] if _tracers else None


def _otlp() -> SpanProcessor:
    # Imported where needed: it takes a quarter of a second, and most processes trace nothing.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return BatchSpanProcessor(OTLPSpanExporter())
