"""Traces: W3C's context goes through every hop; spans are made where somebody collects them.

Without ``OTEL_EXPORTER_OTLP_ENDPOINT`` OpenTelemetry's API alone is at work: it passes on what a
caller brought and makes nothing. OpenTelemetry's own interceptors for grpc.aio are not used: they
break handlers that read and write, and halve the throughput.
"""

import os
from collections.abc import Callable

from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from linly_mesh.errors import ConfigurationError
from linly_mesh.telemetry.rpc import Rpc

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_EXPECTED = frozenset({"OK", "CANCELLED"})
"""Codes of calls that ended as somebody wanted."""
_w3c = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("linly_mesh")


def configure_tracing(stage: str) -> Callable[[], None]:
    """Exports spans by OTLP if the environment says where to; returns what ends it.

    The end waits until what was made has been sent, at most some seconds.

    Raises:
        ConfigurationError: it does, but the exporter is not installed.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return lambda: None
    try:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigurationError(
            f"{_ENDPOINTS[0]} is set, but {error.name} is not installed; "
            "pip install 'linly-mesh[otlp]'"
        ) from error
    names = {"service.name": stage, "service.namespace": "talker"}
    provider = TracerProvider(resource=Resource.create(names))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider.shutdown


def current_trace_id() -> str | None:
    """Of the trace that is recorded where this is called, in hexadecimal."""
    return _trace_id(trace.get_current_span())


class ServerTracing:
    """A span for each call that a server answers; what its handler does belongs to it."""

    def started(self, rpc: Rpc) -> Span | None:
        """Takes up the caller's trace, or begins one; None if nobody would ever see it."""
        brought = {name: value for name, value in rpc.metadata if isinstance(value, str)}
        if "traceparent" not in brought and _nobody_collects():
            return None
        span = _tracer.start_span(
            _name(rpc), _w3c.extract(brought), SpanKind.SERVER, _attributes(rpc)
        )
        # Never detached: this is the handler's own task, with which its context ends.
        context.attach(trace.set_span_in_context(span))
        rpc.trace_id = _trace_id(span)
        return span

    def ended(self, rpc: Rpc, state: Span | None) -> None:
        """The call has ended."""
        if state is not None:
            _end(rpc, state)


class ClientTracing:
    """A span for each call that is made, which the server is told of."""

    def started(self, rpc: Rpc) -> Span | None:
        """The trace of whoever calls goes with the call; None if nobody would ever see it."""
        if not trace.get_current_span().get_span_context().is_valid and _nobody_collects():
            return None
        span = _tracer.start_span(_name(rpc), None, SpanKind.CLIENT, _attributes(rpc))
        carried: dict[str, str] = {}
        _w3c.inject(carried, trace.set_span_in_context(span))
        rpc.metadata.extend(carried.items())
        rpc.trace_id = _trace_id(span)
        return span

    def ended(self, rpc: Rpc, state: Span | None) -> None:
        """The call has ended."""
        if state is not None:
            _end(rpc, state)


def _nobody_collects() -> bool:
    """Whether no tracer was made: making spans that nobody sees took a tenth of a short call."""
    return isinstance(_tracer, trace.ProxyTracer) and isinstance(
        trace.get_tracer_provider(), trace.ProxyTracerProvider
    )


def _end(rpc: Rpc, span: Span) -> None:
    span.set_attribute("rpc.response.status_code", rpc.code)
    if rpc.code not in _EXPECTED:
        span.set_status(StatusCode.ERROR, rpc.code)
    span.end()


def _name(rpc: Rpc) -> str:
    return f"{rpc.method.grpc_service}/{rpc.method.grpc_method}"


def _attributes(rpc: Rpc) -> dict[str, str]:
    return {
        "rpc.system": "grpc",
        "rpc.service": rpc.method.grpc_service,
        "rpc.method": rpc.method.grpc_method,
    }


def _trace_id(span: Span) -> str | None:
    found = span.get_span_context()
    return trace.format_trace_id(found.trace_id) if found.trace_flags.sampled else None
