"""Taking in marketing events as one does with Celery; `python -m mesh.bench.peers.celery_events N` fills its queue."""

import sys
from typing import Any

from celery import Task

from mesh.bench.peers import events, samples
from mesh.bench.peers.celery_app import configured, fill

app = configured("events")
database = samples.engine()


@app.task(bind=True, name="relay.events.ingest")
def ingest(self: Task, item: dict[str, Any]) -> None:
    """Store one event."""
    events.ingest(database, self.request.id, item)


if __name__ == "__main__":
    from mesh.bench.orders import orders  # only here: a worker should not carry the benchmark in its memory

    fill(app, ingest, orders(int(sys.argv[1])))
