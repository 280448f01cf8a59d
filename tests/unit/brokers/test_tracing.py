from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from brokers import tracing
from brokers.outgoing import outgoing
from tests.build.incoming import Ping

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_TRACER", provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


def test_a_message_continues_the_trace_that_it_carries(spans: InMemorySpanExporter) -> None:
    with tracing.handling("samples.ingest", [{"traceparent": PARENT}]):
        pass
    (span,) = spans.get_finished_spans()
    assert span.context is not None
    assert span.parent is not None
    assert format(span.context.trace_id, "032x") in PARENT
    assert format(span.parent.span_id, "016x") in PARENT


def test_a_group_is_linked_to_the_traces_of_its_messages(spans: InMemorySpanExporter) -> None:
    with tracing.handling("samples.ingest", [{"traceparent": PARENT}, {}, {"traceparent": OTHER}, {"traceparent": 7}]):
        pass
    (span,) = spans.get_finished_spans()
    assert [format(link.context.trace_id, "032x") for link in span.links] == [PARENT[3:35], OTHER[3:35]]


@pytest.mark.usefixtures("spans")
def test_what_a_handler_says_next_carries_its_span_on() -> None:
    with tracing.handling("samples.ingest", [{"traceparent": PARENT}]):
        said = outgoing(Ping())
    assert said.headers["traceparent"].split("-")[1] == PARENT.split("-")[1]


def test_outside_a_trace_nothing_is_carried() -> None:
    assert outgoing(Ping()).headers == {}
