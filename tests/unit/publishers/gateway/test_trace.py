import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from publishers.gateway import trace
from tests.build.gateway import World, crawl

CALLERS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_the_message_carries_the_gateways_span_under_the_callers_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(trace, "_TRACER", provider.get_tracer("test"))
    world = World()
    await world.post("/samples/ingest", crawl(), {"traceparent": CALLERS})
    (span,) = spans.get_finished_spans()
    assert span.name == "POST /samples/ingest"
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 202
    _, trace_id, span_id, _ = str(world.publisher.last.headers["traceparent"]).split("-")
    assert trace_id == CALLERS.split("-")[1]
    assert int(span_id, 16) == span.context.span_id
