"""The samples' worker as one writes it with Celery; `python -m mesh.bench.peers.celery_tasks N` fills its queue."""

import sys
from typing import Any

from celery import Task

from mesh.bench.peers import samples
from mesh.bench.peers.celery_app import configured, fill

app = configured("samples")
database = samples.engine()


@app.task(bind=True, name="samples.ingest")
def ingest(self: Task, body: dict[str, Any]) -> None:
    """Store one message."""
    samples.ingest(database, self.request.id, body)


if __name__ == "__main__":
    from mesh.bench.ingest import messages  # only here: a worker should not carry the benchmark in its memory

    fill(app, ingest, messages(int(sys.argv[1])))
