"""The gateway's span of each request, and the trace that its messages carry on."""

from contextlib import AbstractContextManager, nullcontext

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import Scope

from publishers.gateway.call import Call

_TRACER = _BARE = trace.get_tracer("mesh.gateway")
NO_SPAN = trace.INVALID_SPAN
_PROPAGATOR = TraceContextTextMapPropagator()


def begin_span(call: Call, scope: Scope) -> Span:
    """Start a span under the caller's trace; from here on `call.traceparent` names this span.

    Where tracing is not set up, this costs next to nothing and hands the caller's own trace on.
    """
    context = _PROPAGATOR.extract({"traceparent": call.traceparent}) if call.traceparent else None
    span = _TRACER.start_span(scope["method"], context=context, kind=SpanKind.SERVER)
    if span.is_recording():
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, trace.set_span_in_context(span))
        call.traceparent = carrier["traceparent"]
    return span


def is_on() -> bool:
    """Whether tracing is set up; where it is not, a span would record nothing, but cost ten microseconds a request."""
    return _TRACER is not _BARE or not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def active(span: Span) -> AbstractContextManager[object]:
    """Make a span that is recorded the current one."""
    return trace.use_span(span) if span.is_recording() else nullcontext()


def end_span(span: Span, method: str, route: str, status: int) -> None:
    """End the span with what became of the request, in OpenTelemetry's names for it."""
    if not span.is_recording():
        return
    span.update_name(f"{method} {route}")
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    if status >= 500:  # noqa: PLR2004 -- the server's own errors begin here
        span.set_status(Status(StatusCode.ERROR))
    span.end()
