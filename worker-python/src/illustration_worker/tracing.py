"""The worker's part of a trace, sent over OTLP. Off until ``start_tracing``: OpenTelemetry is not loaded before."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

Kind = Literal["server", "internal"]
_NANOSECONDS = 1_000_000_000
_STOP_SECONDS = 2

_provider: "TracerProvider | None" = None


class OpenSpan:
    """A piece of a trace that has begun; without tracing it does nothing."""

    def __init__(self, span: "Span | None" = None) -> None:
        self._span = span

    def add_finished(self, name: str, began: float, ended: float) -> None:
        """A piece of this one that is over; ``time.time()`` seconds."""
        if self._span is None or _provider is None:
            return
        from opentelemetry.trace import set_span_in_context

        tracer = _provider.get_tracer(__name__)
        context = set_span_in_context(self._span)
        part = tracer.start_span(name, context=context, start_time=round(began * _NANOSECONDS))
        part.end(round(ended * _NANOSECONDS))


def start_tracing(version: str) -> None:
    """Send spans from now on. Where to, which and how often: the SDK's own ``OTEL_*`` variables."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    global _provider
    own = Resource({"service.name": "illustration-worker", "service.version": version})
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over our own names
    _provider = TracerProvider(resource=Resource.create().merge(own).merge(OTELResourceDetector().detect()))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=_STOP_SECONDS)))


def stop_tracing() -> None:
    """Send what was not sent yet. A collector that does not answer is not waited for long."""
    global _provider
    provider, _provider = _provider, None
    if provider is not None:
        provider.shutdown()


@contextmanager
def span(name: str, traceparent: str | None, kind: Kind = "internal") -> Iterator[OpenSpan]:
    """A span below the one that ``traceparent`` names (W3C), as long as the context lasts. Without a parent: none."""
    if _provider is None or traceparent is None:
        yield OpenSpan()
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    parent = TraceContextTextMapPropagator().extract({"traceparent": traceparent})
    kinds = {"server": SpanKind.SERVER, "internal": SpanKind.INTERNAL}
    opened = _provider.get_tracer(__name__).start_span(name, context=parent, kind=kinds[kind])
    try:
        yield OpenSpan(opened)
    except BaseException as error:
        # its text may hold what people wrote: the type says enough
        opened.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        opened.end()
