"""The samples' worker as one writes it with Celery; `python -m mesh.bench.peers.celery_tasks N` fills its queue.

Durable like ours: a quorum queue, confirmed publishes, acks after the work, and a lost worker's tasks given back.
"""

import os
import sys
from typing import Any

from celery import Celery, Task

from mesh.bench.peers import samples

QUEUE = "bench.celery"

app = Celery("samples", broker=os.environ["MESH_BROKER_URL"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options={"confirm_publish": True},
    task_acks_late=True,
    task_default_queue=QUEUE,
    task_default_queue_type="quorum",
    task_ignore_result=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=100,
)
database = samples.engine()


@app.task(bind=True, name="samples.ingest")
def ingest(self: Task, body: dict[str, Any]) -> None:
    """Store one message."""
    samples.ingest(database, self.request.id, body)


if __name__ == "__main__":
    from mesh.bench.ingest import messages  # only here: a worker should not carry the benchmark in its memory

    with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
        for each in messages(int(sys.argv[1])):
            ingest.apply_async((each,), producer=producer)
