"""Sending spans to an OTLP collector, where one is configured."""

from mesh import __version__


def configure(endpoint: str | None, role: str) -> None:
    """Set up OpenTelemetry's SDK; without an endpoint nothing is imported and nothing is traced.

    `endpoint` is the collector's base address, such as http://127.0.0.1:4318; spans go to its /v1/traces.
    """
    if endpoint is None:
        return
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": f"mesh-{role}", "service.version": __version__})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
    trace.set_tracer_provider(provider)
