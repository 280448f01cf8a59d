"""Sample requests: what crawlers saw is stored, remembered and scheduled."""

from handlers.samples.handler import ingest_samples, router

__all__ = ["ingest_samples", "router"]
