"""OpenTelemetry through the broker: a trace that began with an HTTP call goes on in outbox, queue and handler.

Context travels as `traceparent` (https://www.w3.org/TR/trace-context/); span names and attributes follow
https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/. Without an SDK, this costs next to nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

HEADER = "traceparent"
LINKS = 100  # of a group's messages; a span with 500 links is one that no viewer shows

_TRACER = trace.get_tracer("mesh.brokers")
_PROPAGATOR = TraceContextTextMapPropagator()


def carried() -> dict[str, str]:
    """Return the headers that hand the present span on to whoever receives a message; none outside a span."""
    carrier: dict[str, str] = {}
    if trace.get_current_span().get_span_context().is_valid:
        _PROPAGATOR.inject(carrier)
    return carrier


@contextmanager
def handling(queue: str, headers: Sequence[Mapping[str, Any]]) -> Iterator[None]:
    """Be inside the span of handling one message, or a group of them.

    One message continues its own trace; a group is a trace of its own, linked to those of its messages.
    """
    parent = _parent(headers[0]) if len(headers) == 1 else contexts.get_current()
    attributes: dict[str, Any] = {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "process",
        "messaging.destination.name": queue,
        "messaging.batch.message_count": len(headers),
    }
    links = [Link(found) for each in headers[:LINKS] if (found := _context_of(each))] if len(headers) > 1 else []
    with _TRACER.start_as_current_span(
        f"process {queue}", context=parent, kind=SpanKind.CONSUMER, attributes=attributes, links=links
    ):
        yield


def _parent(headers: Mapping[str, Any]) -> contexts.Context:
    stated = headers.get(HEADER)
    return _PROPAGATOR.extract({HEADER: stated}) if isinstance(stated, str) else contexts.get_current()


def _context_of(headers: Mapping[str, Any]) -> SpanContext | None:
    if not isinstance(headers.get(HEADER), str):
        return None
    found = trace.get_current_span(_parent(headers)).get_span_context()
    return found if found.is_valid else None
