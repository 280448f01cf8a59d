"""POST /samples/ingest: rows in, and the answer once they are readable in SQL."""

from brokers.topology import SAMPLES_INGEST
from publishers.gateway.asking import Asking, check_rows
from publishers.gateway.ports import Desk

PATH = "/samples/ingest"


def samples_ingest(desk: Desk) -> Asking:
    """Return the route."""
    return Asking(desk, SAMPLES_INGEST, check=check_rows)
